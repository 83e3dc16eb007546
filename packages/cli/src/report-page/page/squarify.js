/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/**
 * Lays out sizes as tiles of proportional areas that fill a box, as square as can be: rows are filled along the shorter
 * side while that makes the worst tile squarer. Give the sizes from the largest to the smallest; what is 0 gets no area.
 * @param {readonly number[]} sizes
 * @param {Box} box
 * @returns {Box[]} one for each size, in their order
 * @see Bruls, Huizing, van Wijk: Squarified Treemaps (2000)
 */
export function squarify(sizes, box) {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const scale = total > 0 ? (box.width * box.height) / total : 0;
  /** @type {Box[]} */
  const boxes = [];
  let free = { ...box };
  let from = 0;
  while (from < sizes.length) {
    const side = Math.min(free.width, free.height);
    let to = from + 1;
    let area = (sizes[from] ?? 0) * scale;
    let worst = worstRatio(area, area, area, side);
    while (to < sizes.length) {
      const next = (sizes[to] ?? 0) * scale;
      const ratio = worstRatio((sizes[from] ?? 0) * scale, next, area + next, side);
      if (ratio > worst) break;
      worst = ratio;
      area += next;
      to += 1;
    }
    free = layRow(
      sizes.slice(from, to).map((size) => size * scale),
      area,
      free,
      boxes,
    );
    from = to;
  }
  return boxes;
}

/**
 * How far the tiles of a row are from squares: of the largest and the smallest, the longer side over the shorter.
 * @param {number} largest
 * @param {number} smallest
 * @param {number} area of the whole row
 * @param {number} side the row lies along
 * @returns {number}
 */
function worstRatio(largest, smallest, area, side) {
  if (smallest <= 0 || side <= 0) return Number.POSITIVE_INFINITY;
  return Math.max((side * side * largest) / (area * area), (area * area) / (side * side * smallest));
}

/**
 * Puts a row along the shorter side of the free box; gives what is left of it.
 * @param {readonly number[]} areas
 * @param {number} area their sum
 * @param {Box} free
 * @param {Box[]} boxes
 * @returns {Box}
 */
function layRow(areas, area, free, boxes) {
  const isColumn = free.width >= free.height;
  const side = isColumn ? free.height : free.width;
  const depth = side > 0 ? Math.min(area / side, isColumn ? free.width : free.height) : 0;
  let done = 0;
  for (const own of areas) {
    const length = depth > 0 ? Math.min(own / depth, side - done) : 0;
    boxes.push(
      isColumn
        ? { x: free.x, y: free.y + done, width: depth, height: length }
        : { x: free.x + done, y: free.y, width: length, height: depth },
    );
    done += length;
  }
  return isColumn
    ? { ...free, x: free.x + depth, width: free.width - depth }
    : { ...free, y: free.y + depth, height: free.height - depth };
}
