/**
 * Runs in the page: the least WCAG contrast of all text that is seen there, with the words it was found at. Colours that
 * can be seen through are laid over what is behind them, lines of a pattern as if they filled the whole.
 * @see https://www.w3.org/TR/WCAG22/#contrast-minimum
 */
export const leastContrast = `(() => {
  const parse = (text) => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a),
    g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a),
    a: 1,
  });
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      const pattern = /rgba?\\([^)]*\\)/.exec(style.backgroundImage);
      if (pattern) layers.push(parse(pattern[0]));
      const colour = parse(style.backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reduceRight((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  let least = { ratio: 21, text: "", colours: "" };
  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join(" ").trim();
    if (text === "" || !element.checkVisibility() || element.closest("script, noscript")) continue;
    const style = getComputedStyle(element);
    const under = behind(element);
    const ink = parse(style.color);
    const seen = over({ ...ink, a: ink.a * Number(style.opacity) }, under);
    const found = ratio(seen, under);
    if (found < least.ratio) {
      least = { ratio: found, text: text.slice(0, 80), colours: JSON.stringify([seen, under]) };
    }
  }
  return least;
})()`;
