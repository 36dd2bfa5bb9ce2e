// A paper, as chapters cite it.

/** `id`: of arXiv. */
export function Cite({ who, year, id }: { who: string; year: number; id: string }) {
  return (
    <a class="cite" href={`https://arxiv.org/abs/${id}`}>
      {who} {year}
    </a>
  );
}
