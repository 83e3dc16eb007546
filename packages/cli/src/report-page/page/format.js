const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/**
 * Bytes for people: `1.5 KiB`, `2.9 GiB`.
 * @param {number} bytes
 * @returns {string}
 */
export function formatBytes(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/**
 * `1 image`, `2,000 images`.
 * @param {number} amount
 * @param {string} noun
 * @param {string} [plural]
 * @returns {string}
 */
export function counted(amount, noun, plural = `${noun}s`) {
  return `${amount.toLocaleString("en")} ${amount === 1 ? noun : plural}`;
}

/**
 * A path that has to fit into `length` characters: without its first folders, its last name tells most.
 * @param {string} path
 * @param {number} length
 * @returns {string}
 */
export function fitPath(path, length) {
  let fitted = path;
  while (fitted.length > length && fitted.includes("/")) fitted = fitted.slice(fitted.indexOf("/") + 1);
  return fitted;
}

/**
 * A digest as far as people compare it.
 * @param {string} digest
 * @returns {string}
 */
export function shortDigest(digest) {
  return digest.slice(0, digest.indexOf(":") + 13);
}

/**
 * An element with a class and text; strings of the bundle only ever become text nodes.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
