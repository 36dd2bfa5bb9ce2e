// Where the picture lies in its stage: `scale` stage pixels for one of the picture's, whose corner is at x, y.

export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

const MOST = 40; // stage pixels for one of the picture's, at most

/** The whole picture, as large as it fits, in the middle. */
export function fitted(picture: Size, stage: Size): View {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  return {
    scale,
    x: (stage.width - scale * picture.width) / 2,
    y: (stage.height - scale * picture.height) / 2,
  };
}

/** Larger by `factor`, with the stage's point (x, y) staying where it is. */
export function zoomAt(view: View, factor: number, x: number, y: number, picture: Size, stage: Size): View {
  const least = fitted(picture, stage).scale;
  const scale = Math.min(Math.max(view.scale * factor, least), Math.max(MOST, least));
  const ratio = scale / view.scale;
  return kept({ scale, x: x - ratio * (x - view.x), y: y - ratio * (y - view.y) }, picture, stage);
}

export function panBy(view: View, dx: number, dy: number, picture: Size, stage: Size): View {
  return kept({ ...view, x: view.x + dx, y: view.y + dy }, picture, stage);
}

/** A point of the stage in the picture's pixels. */
export function toPicture({ scale, x, y }: View, stageX: number, stageY: number): [x: number, y: number] {
  return [(stageX - x) / scale, (stageY - y) / scale];
}

/** No side shows emptiness while the picture could fill it; what is smaller than the stage is in its middle. */
function kept({ scale, x, y }: View, picture: Size, stage: Size): View {
  const along = (at: number, length: number, room: number) =>
    length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, at));
  return {
    scale,
    x: along(x, scale * picture.width, stage.width),
    y: along(y, scale * picture.height, stage.height),
  };
}
