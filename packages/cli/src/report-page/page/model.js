import { counted, shortDigest } from "./format.js";

/** @typedef {readonly [digest: string, bytes: number, role: "manifest" | "config" | "layer"]} Blob */
/** @typedef {{ digest: string, tags: string[], kind: string, type: string, platforms: string[], bytes: number, unique: number, blobs: number[] }} Image */
/** @typedef {{ path: string, images: Image[] }} Repository */
/** @typedef {{ repositories: Repository[], blobs: Blob[] }} Data */
/** @typedef {{ repository: Repository, image: Image }} User */
/**
 * @typedef {object} TreeNode What a tile stands for.
 * @property {"root" | "repository" | "image" | "together" | "blob" | "rest"} kind
 * @property {string} label
 * @property {number} bytes
 * @property {TreeNode | undefined} parent
 * @property {() => TreeNode[]} children the largest first
 * @property {number} tone which of the colours
 * @property {Repository} [repository]
 * @property {Image} [image]
 * @property {number} [blob]
 * @property {boolean} [isShared] more than one image needs it
 * @property {number} [count] of what was put together
 */

/** Colours of repositories that lie beside each other. */
const tones = 8;

/** What the page shows, and who needs which blob. */
export class Model {
  /** @param {Data} data */
  constructor(data) {
    this.data = data;
    /** @type {User[][]} users of each blob */
    this.users = data.blobs.map(() => []);
    for (const repository of data.repositories) {
      for (const image of repository.images) {
        for (const blob of image.blobs) this.users[blob]?.push({ repository, image });
      }
    }
    /** @type {TreeNode} */
    this.root = { kind: "root", label: "All repositories", bytes: 0, parent: undefined, tone: 0, children: () => [] };
    const repositories = data.repositories
      .map((repository) => this.#repository(repository))
      .filter(({ bytes }) => bytes > 0)
      .sort(bySize);
    for (const [at, node] of repositories.entries()) node.tone = at % tones;
    this.root.bytes = repositories.reduce((sum, { bytes }) => sum + bytes, 0);
    this.root.children = () => repositories;
  }

  /**
   * @param {number} blob
   * @returns {number}
   */
  size(blob) {
    return this.data.blobs[blob]?.[1] ?? 0;
  }

  /**
   * @param {Repository} repository
   * @returns {TreeNode | undefined}
   */
  find(repository) {
    return this.root.children().find((node) => node.repository === repository);
  }

  /**
   * A repository: each of its images with what it needs alone here, and what several of them share.
   * @param {Repository} repository
   * @returns {TreeNode}
   */
  #repository(repository) {
    const uses = new Map();
    for (const { blobs } of repository.images) for (const blob of blobs) uses.set(blob, (uses.get(blob) ?? 0) + 1);
    const bytes = [...uses.keys()].reduce((sum, blob) => sum + this.size(blob), 0);
    /** @type {TreeNode} */
    const node = {
      kind: "repository",
      label: repository.path === "" ? "/" : repository.path,
      bytes,
      parent: this.root,
      tone: 0,
      repository,
      children: once(() => {
        const images = repository.images.map((image) => this.#image(node, image, uses));
        const together = [...uses].filter(([, times]) => times > 1).map(([blob]) => blob);
        return [...images, ...this.#together(node, together)].filter((one) => one.bytes > 0).sort(bySize);
      }),
    };
    return node;
  }

  /**
   * @param {TreeNode} parent
   * @param {Image} image
   * @param {ReadonlyMap<number, number>} uses
   * @returns {TreeNode}
   */
  #image(parent, image, uses) {
    const own = image.blobs.filter((blob) => uses.get(blob) === 1);
    /** @type {TreeNode} */
    const node = {
      kind: "image",
      label: nameOf(image),
      bytes: own.reduce((sum, blob) => sum + this.size(blob), 0),
      parent,
      tone: parent.tone,
      repository: parent.repository,
      image,
      children: once(() => own.map((blob) => this.#blob(node, blob)).sort(bySize)),
    };
    Object.defineProperty(node, "tone", { get: () => parent.tone });
    return node;
  }

  /**
   * An image alone: all it needs, whoever needs it besides.
   * @param {TreeNode} node
   * @returns {TreeNode}
   */
  whole(node) {
    const { image } = node;
    if (!image) return node;
    /** @type {TreeNode} */
    const whole = {
      ...node,
      tone: node.tone,
      bytes: image.bytes,
      children: once(() => image.blobs.map((blob) => this.#blob(whole, blob)).sort(bySize)),
    };
    return whole;
  }

  /**
   * @param {TreeNode} parent
   * @param {readonly number[]} blobs
   * @returns {TreeNode[]}
   */
  #together(parent, blobs) {
    if (blobs.length === 0) return [];
    /** @type {TreeNode} */
    const node = {
      kind: "together",
      label: "shared",
      bytes: blobs.reduce((sum, blob) => sum + this.size(blob), 0),
      parent,
      tone: parent.tone,
      repository: parent.repository,
      count: blobs.length,
      children: once(() => blobs.map((blob) => this.#blob(node, blob)).sort(bySize)),
    };
    return [node];
  }

  /**
   * @param {TreeNode} parent
   * @param {number} blob
   * @returns {TreeNode}
   */
  #blob(parent, blob) {
    const [digest = "", bytes = 0, role = "layer"] = this.data.blobs[blob] ?? [];
    return {
      kind: "blob",
      label: role === "layer" ? shortDigest(digest) : `${role} ${shortDigest(digest)}`,
      bytes,
      parent,
      tone: parent.tone,
      repository: parent.repository,
      image: parent.image,
      blob,
      isShared: (this.users[blob]?.length ?? 0) > 1,
      children: () => [],
    };
  }
}

/**
 * How an image is called: by its tags, or by its digest.
 * @param {Image} image
 * @returns {string}
 */
export function nameOf({ tags, digest }) {
  const named = tags.filter((tag) => !digest.endsWith(tag));
  return named.length > 0 ? named.map(shortTag).join(", ") : shortDigest(digest);
}

/**
 * Tags that name a digest say enough with its beginning.
 * @param {string} tag
 * @returns {string}
 */
function shortTag(tag) {
  return tag.replace(/^(sha(?:256|512)-[0-9a-f]{12})[0-9a-f]{20,}/, "$1…");
}

/**
 * The nodes that are large enough to be seen, and one for all that are not.
 * @param {readonly TreeNode[]} nodes the largest first
 * @param {number} bytes the least that is shown
 * @returns {TreeNode[]}
 */
export function visible(nodes, bytes) {
  let end = nodes.findIndex((node) => node.bytes < bytes);
  if (end < 0) end = nodes.length;
  const rest = nodes.slice(end);
  const [first] = rest;
  if (!first) return [...nodes];
  const sum = rest.reduce((total, node) => total + node.bytes, 0);
  const label = rest.length === 1 ? first.label : counted(rest.length, "smaller one");
  /** @type {TreeNode} */
  const together = { ...first, kind: "rest", label, bytes: sum, count: rest.length, children: () => [] };
  return [...nodes.slice(0, end), together].sort(bySize); // it may be the largest
}

/**
 * @param {TreeNode} a
 * @param {TreeNode} b
 * @returns {number}
 */
function bySize(a, b) {
  return b.bytes - a.bytes || (a.label < b.label ? -1 : 1);
}

/**
 * @template Value
 * @param {() => Value} make
 * @returns {() => Value}
 */
function once(make) {
  /** @type {Value | undefined} */
  let made;
  return () => {
    made ??= make();
    return made;
  };
}
