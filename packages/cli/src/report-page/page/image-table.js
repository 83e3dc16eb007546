import { byId, counted, element, formatBytes } from "./format.js";
import { nameOf } from "./model.js";

/** @import { Image, Model, Repository } from "./model.js" */
/** @typedef {{ repository: Repository, image: Image, text: string }} Row */

/** Rows that are added at a time. */
const rowsAtOnce = 100;

/** @type {Readonly<Record<string, (a: Row, b: Row) => number>>} */
const orders = {
  repository: () => 0,
  tags: (a, b) => compareNames(nameOf(a.image), nameOf(b.image)),
  kind: (a, b) => compareNames(a.image.kind, b.image.kind),
  platforms: (a, b) => compareNames(a.image.platforms.join(), b.image.platforms.join()),
  size: (a, b) => a.image.bytes - b.image.bytes,
  unique: (a, b) => a.image.unique - b.image.unique,
};

/** Orders that start with the largest. */
const sizes = new Set(["size", "unique"]);

/** All images, to be searched and sorted; only some of the rows are in the page. */
export class ImageTable {
  /**
   * @param {Model} model
   * @param {(repository: Repository) => void} onOpen asked to show a repository on the map
   */
  constructor(model, onOpen) {
    this.onOpen = onOpen;
    this.body = byId("images-body");
    this.search = /** @type {HTMLInputElement} */ (byId("search"));
    this.more = byId("more");
    this.told = byId("found");
    this.order = "repository";
    this.isDown = false;
    this.shown = rowsAtOnce;
    /** @type {Row[]} */
    this.rows = model.data.repositories.flatMap((repository) =>
      repository.images.map((image) => ({ repository, image, text: textOf(repository, image) })),
    );
    this.search.addEventListener("input", () => this.#restart());
    this.more.addEventListener("click", () => {
      this.shown += rowsAtOnce;
      this.draw();
    });
    for (const head of this.#heads()) head.addEventListener("click", () => this.#sort(head.dataset.order ?? ""));
    window.addEventListener("beforeprint", () => this.draw(Number.POSITIVE_INFINITY));
    window.addEventListener("afterprint", () => this.draw());
    this.draw();
  }

  draw(most = this.shown) {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.rows.filter(({ text }) => words.every((word) => text.includes(word)));
    const order = orders[this.order];
    if (order && this.order !== "repository") found.sort((a, b) => (this.isDown ? -1 : 1) * order(a, b));
    else if (this.isDown) found.reverse();
    this.body.replaceChildren(...found.slice(0, most).map((row) => this.#row(row)));
    const left = found.length - Math.min(most, found.length);
    this.more.hidden = left === 0;
    this.more.textContent = `Show ${Math.min(left, rowsAtOnce)} more of ${left.toLocaleString("en")}`;
    this.told.textContent =
      words.length === 0
        ? counted(found.length, "image")
        : `${found.length.toLocaleString("en")} of ${counted(this.rows.length, "image")}`;
    byId("nothing").hidden = found.length > 0;
    for (const head of this.#heads()) {
      const isOrder = head.dataset.order === this.order;
      const cell = head.closest("th");
      if (isOrder) cell?.setAttribute("aria-sort", this.isDown ? "descending" : "ascending");
      else cell?.removeAttribute("aria-sort");
    }
  }

  /** @param {string} order */
  #sort(order) {
    this.isDown = order === this.order ? !this.isDown : sizes.has(order);
    this.order = order;
    this.#restart();
  }

  #restart() {
    this.shown = rowsAtOnce;
    this.draw();
  }

  /** @returns {NodeListOf<HTMLElement>} */
  #heads() {
    return document.querySelectorAll("#images [data-order]");
  }

  /**
   * @param {Row} row
   * @returns {HTMLTableRowElement}
   */
  #row({ repository, image }) {
    const row = element("tr");
    const path = element("button", "link");
    for (const part of repository.path.split(/(?<=\/)/)) path.append(part, element("wbr"));
    if (repository.path === "") path.append("/");
    path.type = "button";
    path.title = "Show on the map";
    path.addEventListener("click", () => this.onOpen(repository));
    const kind = element("span", `kind ${image.kind}`, image.kind);
    if (image.type !== "") kind.title = image.type;
    const tags = element("td", "tags", nameOf(image));
    tags.title = image.digest;
    const where = element("td", "repository");
    where.append(path);
    const what = element("td", "what");
    what.append(kind);
    row.append(
      where,
      tags,
      what,
      element("td", "platforms", image.platforms.join(", ")),
      element("td", "number", formatBytes(image.bytes)),
      element("td", "number unique", formatBytes(image.unique)),
    );
    return row;
  }
}

/**
 * @param {Repository} repository
 * @param {Image} image
 * @returns {string}
 */
function textOf({ path }, { tags, kind, type, platforms, digest }) {
  return [path, ...tags, kind, type, ...platforms, digest].join(" ").toLowerCase();
}

/**
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
function compareNames(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}
