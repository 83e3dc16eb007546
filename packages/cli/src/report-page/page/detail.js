import { counted, element, formatBytes } from "./format.js";
import { nameOf } from "./model.js";

/** @import { Model, TreeNode, User } from "./model.js" */

/** Users of a blob that are named; the others are counted. */
const named = 5;

/**
 * Says in one place what a tile stands for, and who shares it.
 * @param {HTMLElement} place
 * @param {Model} model
 * @param {TreeNode} node
 */
export function showDetail(place, model, node) {
  const share = model.root.bytes > 0 ? (100 * node.bytes) / model.root.bytes : 0;
  const title = element("p", "detail-title");
  title.append(element("strong", "", titleOf(node)), element("span", "size", formatBytes(node.bytes)));
  const facts = [
    ...factsOf(model, node),
    ...(share >= 0.1 && node.kind !== "root" ? [`${share.toFixed(1)} % of all`] : []),
  ];
  /** @type {HTMLElement[]} */
  const parts = [title, element("p", "detail-facts", facts.join(" · "))];
  if (node.kind === "blob") parts.push(...usersOf(model, node));
  if (node.parent === undefined)
    parts.push(
      element(
        "p",
        "detail-facts",
        "Point at a tile: here it says what it is and who shares it. A click opens it; on the keyboard, arrows move, Enter opens, Escape goes back.",
      ),
    );
  place.replaceChildren(...parts);
}

/**
 * In one line, for those who do not see the map.
 * @param {Model} model
 * @param {TreeNode} node
 * @returns {string}
 */
export function describe(model, node) {
  const opens = node.kind === "repository" || node.kind === "image" ? ["Enter opens it"] : [];
  return [titleOf(node), formatBytes(node.bytes), ...factsOf(model, node), ...opens].join(", ");
}

/**
 * @param {TreeNode} node
 * @returns {string}
 */
function titleOf(node) {
  const path = node.repository?.path === "" ? "/" : (node.repository?.path ?? "");
  if (node.kind === "image") return `${path}: ${node.label}`;
  if (node.kind === "together") return `${path}: shared by several of its images`;
  if (node.kind === "blob" && !node.label.includes(" ")) return `layer ${node.label}`;
  return node.label;
}

/**
 * @param {Model} model
 * @param {TreeNode} node
 * @returns {string[]}
 */
function factsOf(model, node) {
  const { kind, repository, image, count = 0 } = node;
  if (kind === "root") return [counted(model.data.repositories.length, "repository", "repositories")];
  if (kind === "repository") return [counted(repository?.images.length ?? 0, "image")];
  if (kind === "together") return [counted(count, "blob")];
  if (kind === "rest") return ["too small to be drawn alone"];
  if (kind === "image" && image) {
    const platforms = image.platforms.length > 0 ? [image.platforms.join(", ")] : [];
    const isPart = node.bytes < image.bytes;
    return [image.kind, ...platforms, ...(isPart ? [`${formatBytes(image.bytes)} with what it shares`] : [])];
  }
  const users = model.users[node.blob ?? -1] ?? [];
  if (users.length < 2) return ["in this image only"];
  const repositories = new Set(users.map((user) => user.repository)).size;
  return [
    repositories > 1
      ? `shared by ${counted(users.length, "image")} in ${counted(repositories, "repository", "repositories")}`
      : `shared by ${counted(users.length, "image")}`,
  ];
}

/**
 * @param {Model} model
 * @param {TreeNode} node
 * @returns {HTMLElement[]}
 */
function usersOf(model, node) {
  const users = model.users[node.blob ?? -1] ?? [];
  const list = element("ul", "users");
  for (const user of users.slice(0, named)) list.append(element("li", "", userName(user)));
  if (users.length > named)
    list.append(element("li", "more", `and ${(users.length - named).toLocaleString("en")} more`));
  return [element("p", "digest", model.data.blobs[node.blob ?? -1]?.[0] ?? ""), list];
}

/**
 * @param {User} user
 * @returns {string}
 */
function userName({ repository, image }) {
  return `${repository.path === "" ? "/" : repository.path}: ${nameOf(image)}`;
}
