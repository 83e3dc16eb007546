import type { Point } from "./fit.ts";

/** A line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** What a plot says around its lines. */
export interface PlotLabels {
  readonly title: string;
  /** What is counted along the bottom. */
  readonly size: string;
  /** What is measured, with its unit. */
  readonly cost: string;
}

const [width, height] = [760, 420];
const frame = { left: 64, top: 40, right: 560, bottom: 370 };
const colours = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
  "#000000",
  "#882255",
  "#44aa99",
  "#999933",
];

/** Lines over two logarithmic axes, as an SVG picture by itself: of a line that rises by one decade in one, cost is linear. */
export function logLogPlot(lines: readonly Line[], { title, size, cost }: PlotLabels): string {
  const all = lines.flatMap(({ points }) => points).filter((point) => point.cost > 0);
  const [x, y] = [axis(all.map((one) => one.size)), axis(all.map((one) => one.cost))];
  const across = (value: number) => place(value, x, frame.left, frame.right);
  const up = (value: number) => place(value, y, frame.bottom, frame.top);
  const decades = ({ low, high }: Axis) => Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${frame.left}" y="22" font-size="15">${title}</text>`,
    ...decades(x).flatMap((value) => [
      `<path d="M${across(value)} ${frame.top}V${frame.bottom}" stroke="#ddd"/>`,
      `<text x="${across(value)}" y="${frame.bottom + 18}" text-anchor="middle">${amount(value)}</text>`,
    ]),
    ...decades(y).flatMap((value) => [
      `<path d="M${frame.left} ${up(value)}H${frame.right}" stroke="#ddd"/>`,
      `<text x="${frame.left - 8}" y="${up(value) + 4}" text-anchor="end">${amount(value)}</text>`,
    ]),
    `<text x="${(frame.left + frame.right) / 2}" y="${height - 12}" text-anchor="middle">${size}</text>`,
    `<text transform="translate(14 ${(frame.top + frame.bottom) / 2}) rotate(-90)" text-anchor="middle">${cost}</text>`,
    ...lines.flatMap(({ name, points }, at) => {
      const colour = colours[at % colours.length];
      const path = points
        .filter((point) => point.cost > 0)
        .map((point) => `${across(point.size)},${up(point.cost)}`)
        .join(" ");
      const y = frame.top + 10 + at * 18;
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        `<path d="M${frame.right + 14} ${y}h20" stroke="${colour}" stroke-width="3"/>`,
        `<text x="${frame.right + 40}" y="${y + 4}">${name}</text>`,
      ];
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** Powers of ten. */
interface Axis {
  readonly low: number;
  readonly high: number;
}

function axis(values: readonly number[]): Axis {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return { low, high: Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)))) };
}

function place(value: number, { low, high }: Axis, from: number, to: number): number {
  return Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10;
}

function amount(value: number): string {
  return value >= 1 ? value.toLocaleString("en-GB") : String(value);
}
