// The whole graph as a map: a box for each node, coloured by what it costs. Arrow keys go from node to node.

import { useEffect, useRef } from 'preact/hooks';
import type { NodeInfo } from '../../engine/explore_run';
import { type Edge, type GraphLayout, NODE_HEIGHT, NODE_WIDTH } from '../logic/graph_layout';
import { computedMacs } from '../logic/stages';
import './graph_map.css';

/** What a node's colour stands for. */
export const MEASURES = [
  ['microseconds', 'time'],
  ['macs', 'multiply-adds'],
  ['bytes', 'bytes'],
] as const;

export type Measure = (typeof MEASURES)[number][0];

interface GraphMapProps {
  layout: GraphLayout;
  measure: Measure;
  chosen: NodeInfo;
  onChoose: (node: NodeInfo) => void;
}

export function GraphMap({ layout, measure, chosen, onChoose }: GraphMapProps) {
  const { places, edges, stages, rows, width, height } = layout;
  const most = Math.max(...places.map(({ node }) => costOf(node, measure)), 1e-9);
  const near = edges.filter(({ from, to }) => from.node === chosen || to.node === chosen);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = places[places.findIndex(({ node }) => node === chosen) + (step ?? 0)];
    if (!step || !next) return;
    event.preventDefault();
    onChoose(next.node);
    document.getElementById(idOf(next.node))?.scrollIntoView({ block: 'nearest', inline: 'center' });
  };
  const box = { viewBox: `0 0 ${width} ${height}`, width: '100%' };
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // the chosen node into the middle, where the map is wider than the page
    const map = list.current!;
    const at = places.find(({ node }) => node === chosen)?.x ?? 0;
    map.scrollLeft = (at / width) * map.scrollWidth - map.clientWidth / 2;
  }, [layout]);
  return (
    <div
      ref={list}
      class="map-scroll"
      role="listbox"
      tabIndex={0}
      aria-label="Nodes of the network, in the order in which they run"
      aria-activedescendant={idOf(chosen)}
      onKeyDown={move}
    >
      <div class="map" role="presentation" style={{ minWidth: `${LEAST * width}px`, maxWidth: `${width}px` }}>
        <svg {...box} aria-hidden="true">
          {rows.map(({ stride, y, height: high }) => (
            <g key={stride} class="map-row">
              <rect x="0" y={y - 8} width={width} height={high + 16} />
              <text x="6" y={y + high / 2 + 4}>{`1 : ${stride}`}</text>
            </g>
          ))}
          {stages.map(({ title, x }) => (
            <text key={title} class="map-stage" x={x} y="14">
              {title}
            </text>
          ))}
          {edges.map((edge) => (
            <path key={keyOf(edge)} class="edge" d={curve(edge)} />
          ))}
          {near.map((edge) => (
            <path
              key={keyOf(edge)}
              class={`edge near ${edge.to.node === chosen ? 'in' : 'out'}`}
              d={curve(edge)}
            />
          ))}
        </svg>
        <svg {...box} role="presentation">
          {places.map(({ node, x, y }) => (
            <g
              key={node.label}
              id={idOf(node)}
              class={`node ${node === chosen ? 'chosen' : ''}`}
              role="option"
              aria-selected={node === chosen}
              aria-label={node.label}
              style={{ '--share': `${(70 * Math.sqrt(costOf(node, measure) / most)).toFixed(1)}%` }}
              onClick={() => onChoose(node)}
            >
              <title>{node.label}</title>
              <rect x={x} y={y} width={NODE_WIDTH} height={NODE_HEIGHT} rx="4" />
              <text x={x + NODE_WIDTH / 2} y={y + NODE_HEIGHT / 2 + 3.5}>
                {shortName(node.label)}
              </text>
            </g>
          ))}
        </svg>
      </div>
    </div>
  );
}

/** Of what was there, where a node is for as many regions as a run may find. */
function costOf(node: NodeInfo, measure: Measure): number {
  return measure === 'macs' ? computedMacs(node) : (node[measure] ?? 0);
}

function idOf({ label }: NodeInfo): string {
  return `node ${label}`.replace(/\W+/g, '-');
}

function keyOf({ from, to }: Edge): string {
  return `${from.node.label} ${to.node.label}`;
}

const LETTERS = 9;

/** Short words for layers whose own names are long. */
const WORDS: Record<string, string> = {
  mask_head: 'conv',
  nms_offset: 'nms shift',
  inner_blocks: 'lateral',
  top_down: 'add',
  downsample: 'shortcut',
  cls_logits: 'object?',
  bbox_pred: 'deltas',
  conv5_mask: 'upsample',
  mask_fcn_logits: 'logits',
  mask_select: 'select',
  gather_detections: 'gather',
  decode_proposals: 'decode',
  sort_candidates: 'sort',
  box_roi_pool: 'ROIAlign',
  mask_roi_pool: 'ROIAlign',
  paste_mask_bits: 'paste',
  mask_regions: 'regions',
  scale_boxes: 'rescale',
};

/** A label in as many letters as fit into a box. */
function shortName(label: string): string {
  const [name, level] = label.split('@') as [string, string?];
  const output = /layer_blocks\.(\d)/.exec(name)?.[1];
  if (output) return `P${Number(output) + 2}`;
  const word =
    name
      .split('.')
      .filter((part) => !/^\d+$/.test(part))
      .at(-1) ?? name;
  const text = WORDS[word] ?? word.replace(/_/g, ' ');
  const whole = level && text === 'conv' ? `${text} ${level.toUpperCase()}` : text;
  return whole.length > LETTERS ? `${whole.slice(0, LETTERS - 1)}…` : whole;
}

/** How small the map may get before it scrolls. */
const LEAST = 0.85;

function curve({ from, to }: Edge): string {
  const middle = NODE_HEIGHT / 2;
  if (from.x === to.x) {
    const down = to.y > from.y;
    const x = from.x + NODE_WIDTH / 2;
    const [start, end] = down ? [from.y + NODE_HEIGHT, to.y] : [from.y, to.y + NODE_HEIGHT];
    const isNext = Math.abs(end - start) < NODE_HEIGHT;
    if (isNext) return `M ${x} ${start} L ${x} ${end}`;
    const side = from.x + NODE_WIDTH;
    return `M ${side} ${from.y + middle} C ${side + 12} ${from.y + middle} ${side + 12} ${to.y + middle} ${side} ${to.y + middle}`;
  }
  const [x1, y1] = [from.x + NODE_WIDTH, from.y + middle];
  const [x2, y2] = [to.x, to.y + middle];
  const bend = Math.max(14, Math.abs(x2 - x1) / 2);
  return `M ${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
