import { describe, showDetail } from "./detail.js";
import { byId, element, fitPath, formatBytes } from "./format.js";
import { visible } from "./model.js";
import { squarify } from "./squarify.js";

/** @import { Model, TreeNode } from "./model.js" */
/** @import { Box } from "./squarify.js" */
/** @typedef {{ node: TreeNode, box: Box, depth: number, button: HTMLButtonElement }} Tile */

/** A tile with fewer square pixels is put together with others. */
const leastArea = 90;

/** About so many tiles are on the page at most: the browser stays quick. What is smaller is put together. */
const mostTiles = 3500;

const headerHeight = 20;
/** Of a label's letters, in pixels; repositories are bold. */
const characterWidth = { plain: 6.7, bold: 7.5 };

/** The map of bytes: tiles in tiles, one level opened at a time. */
export class Treemap {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.place = byId("map");
    this.detail = byId("detail");
    this.crumbs = byId("crumbs");
    /** @type {TreeNode} */
    this.node = model.root;
    /** @type {Tile[]} */
    this.tiles = [];
    /** @type {Tile[]} */
    this.twins = [];
    this.width = 0;
    this.leastArea = leastArea;
    this.place.addEventListener("keydown", (event) => this.#onKey(event));
    for (const name of ["pointerover", "focusin"]) this.place.addEventListener(name, (event) => this.#onLook(event));
    this.place.addEventListener("pointerleave", () => this.#lookAt(undefined));
    this.place.addEventListener("click", (event) => this.#onClick(event));
    new ResizeObserver(() => {
      if (Math.abs(this.place.clientWidth - this.width) > 1) this.draw();
    }).observe(this.place);
    this.open(model.root);
  }

  /**
   * Shows what is in a repository or an image.
   * @param {TreeNode} node
   * @param {boolean} [takesFocus]
   */
  open(node, takesFocus = false) {
    this.node = node.kind === "image" ? this.model.whole(node) : node;
    this.draw();
    if (takesFocus) this.tiles[0]?.button.focus();
  }

  draw() {
    this.width = this.place.clientWidth;
    const box = { x: 0, y: 0, width: this.width, height: this.place.clientHeight };
    this.tiles = [];
    this.leastArea = Math.max(leastArea, (box.width * box.height) / mostTiles);
    this.#level(this.node, box, 0);
    for (const [at, { button }] of this.tiles.entries()) button.tabIndex = at === 0 ? 0 : -1;
    this.place.replaceChildren(...this.tiles.map(({ button }) => button));
    this.#drawCrumbs();
    showDetail(this.detail, this.model, this.node);
  }

  /**
   * @param {TreeNode} parent
   * @param {Box} box
   * @param {number} depth
   */
  #level(parent, box, depth) {
    const scale = parent.bytes > 0 ? (box.width * box.height) / parent.bytes : 0;
    if (scale === 0) return;
    const nodes = visible(parent.children(), this.leastArea / scale);
    const boxes = squarify(
      nodes.map(({ bytes }) => bytes),
      box,
    );
    for (const [at, node] of nodes.entries()) {
      const own = boxes[at];
      if (own) this.#tile(node, own, depth);
    }
  }

  /**
   * @param {TreeNode} node
   * @param {Box} box
   * @param {number} depth
   */
  #tile(node, box, depth) {
    const gap = depth === 0 ? 1.5 : 0.75;
    const inner = { x: box.x + gap, y: box.y + gap, width: box.width - 2 * gap, height: box.height - 2 * gap };
    if (inner.width < 2 || inner.height < 2) return;
    const button = element(
      "button",
      `tile ${node.kind} tone${node.tone} depth${depth}${node.isShared ? " is-shared" : ""}`,
    );
    button.type = "button";
    button.setAttribute("aria-label", describe(this.model, node));
    this.#position(button, inner);
    this.tiles.push({ node, box: inner, depth, button });
    const isLabelled = this.#label(button, node, inner, depth);
    const hasChildren = node.kind === "repository" || node.kind === "image" || node.kind === "together";
    if (!hasChildren || inner.width < 40 || inner.height < (isLabelled ? 44 : 24)) return;
    const head = isLabelled ? headerHeight : 2;
    const room = { x: inner.x + 2, y: inner.y + head, width: inner.width - 4, height: inner.height - head - 2 };
    button.classList.add("has-children");
    this.#level(node, room, depth + 1);
  }

  /**
   * A name where there is room for one, and a size behind or below it.
   * @param {HTMLElement} button
   * @param {TreeNode} node
   * @param {Box} box
   * @param {number} depth
   * @returns {boolean} whether there was
   */
  #label(button, node, { width, height }, depth) {
    if (width < 46 || height < 17) return false;
    button.classList.add("has-label");
    const size = formatBytes(node.bytes);
    const room = Math.floor((width - 12) / (node.kind === "repository" ? characterWidth.bold : characterWidth.plain));
    const isInner = node.kind === "blob" || node.kind === "rest";
    if (isInner && depth > 1) {
      if (room >= size.length) button.append(element("span", "size", size)); // its digest would only be noise here
      return true;
    }
    const isTall = height >= 36 && isInner;
    const isBeside = !isTall && room >= Math.min(node.label.length, 12) + size.length + 2;
    const own = room - (isBeside ? size.length + 2 : 0);
    const label = node.kind === "repository" ? fitPath(node.label, own) : node.label;
    button.append(element("span", "name", label));
    if (isBeside || (isTall && room >= size.length)) button.append(element("span", "size", size));
    if (isTall) button.classList.add("is-tall");
    return true;
  }

  /**
   * In parts of the map, so that print scales with it.
   * @param {HTMLElement} button
   * @param {Box} box
   */
  #position(button, { x, y, width, height }) {
    const all = { width: this.width, height: this.place.clientHeight };
    button.style.left = `${(100 * x) / all.width}%`;
    button.style.top = `${(100 * y) / all.height}%`;
    button.style.width = `${(100 * width) / all.width}%`;
    button.style.height = `${(100 * height) / all.height}%`;
  }

  #drawCrumbs() {
    /** @type {TreeNode[]} */
    const path = [];
    for (let node = /** @type {TreeNode | undefined} */ (this.node); node; node = node.parent) path.unshift(node);
    this.crumbs.replaceChildren(
      ...path.map((node, at) => {
        const item = element("li");
        const isLast = at === path.length - 1;
        const inner = element(isLast ? "span" : "button", isLast ? "here" : "link", node.label);
        if (inner instanceof HTMLButtonElement) inner.type = "button";
        if (isLast) inner.setAttribute("aria-current", "location");
        else inner.addEventListener("click", () => this.open(node, true));
        item.append(inner);
        return item;
      }),
    );
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const at = this.tiles.findIndex(({ button }) => button === document.activeElement);
    const here = this.tiles[at];
    if (event.key === "Escape" || event.key === "Backspace") {
      if (!this.node.parent) return;
      this.open(this.node.parent, true);
    } else if (event.key === "Home") this.#focus(this.tiles[0]);
    else if (event.key === "End") this.#focus(this.tiles.at(-1));
    else if (event.key.startsWith("Arrow") && here) this.#focus(nextTile(this.tiles, here, event.key));
    else return;
    event.preventDefault();
  }

  /** @param {Tile | undefined} tile */
  #focus(tile) {
    if (!tile) return;
    for (const { button } of this.tiles) button.tabIndex = -1;
    tile.button.tabIndex = 0;
    tile.button.focus();
  }

  /** @param {Event} event */
  #onLook(event) {
    this.#lookAt(this.#tileOf(event)?.node);
  }

  /** @param {Event} event */
  #onClick(event) {
    const node = this.#tileOf(event)?.node;
    if (!node) return;
    const isOpened = node.kind === "repository" || node.kind === "image";
    const parent = node.parent?.kind === "together" ? node.parent.parent : node.parent;
    const target = isOpened ? node : parent; // what cannot be opened leads to what it is in
    if (target && target !== this.node) this.open(target, true);
  }

  /**
   * @param {Event} event
   * @returns {Tile | undefined}
   */
  #tileOf({ target }) {
    const button = target instanceof Element ? target.closest("button") : null;
    return this.tiles.find((tile) => tile.button === button);
  }

  /**
   * Tells of a tile, and marks where else its blob is.
   * @param {TreeNode | undefined} node
   */
  #lookAt(node) {
    showDetail(this.detail, this.model, node ?? this.node);
    for (const { button } of this.twins) button.classList.remove("is-twin");
    this.twins = node?.isShared ? this.tiles.filter((tile) => tile.node.blob === node.blob) : [];
    for (const { button } of this.twins) button.classList.add("is-twin");
  }
}

/**
 * The nearest tile in the direction of a key: straight ahead rather than aside. Tiles that hold others count by their heads.
 * @param {readonly Tile[]} tiles
 * @param {Tile} here
 * @param {string} key
 * @returns {Tile | undefined}
 */
function nextTile(tiles, here, key) {
  const dx = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
  const dy = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
  const from = middle(here);
  let best;
  let least = Number.POSITIVE_INFINITY;
  for (const tile of tiles) {
    const to = middle(tile);
    const ahead = (to.x - from.x) * dx + (to.y - from.y) * dy;
    const aside = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
    if (tile === here || ahead <= 0.5) continue;
    const distance = ahead + 2 * aside;
    if (distance < least) [best, least] = [tile, distance];
  }
  return best;
}

/**
 * @param {Tile} tile
 * @returns {{ x: number, y: number }}
 */
function middle({ box, button }) {
  const height = button.classList.contains("has-children") ? headerHeight : box.height;
  return { x: box.x + box.width / 2, y: box.y + height / 2 };
}
