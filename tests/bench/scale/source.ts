import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf, World, type WorldSize } from "./world.ts";

// A process of its own: a registry with the content of a world, and one below `mirror/` that takes whatever is pushed and
// keeps the names and digests alone. It is to cost less than whoever asks it, so it checks nothing.

const world = new World(JSON.parse(process.argv[2] ?? "") as WorldSize);
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const nothing = Buffer.alloc(0);
const noReferrers = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] }));

/** Digests by repository and tag, and sizes by repository and digest. */
const pushed = new Map<string, string>();
let uploads = 0;
let requests = 0;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  requests += 1;
  const url = request.url ?? "";
  const match = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^?]*)/.exec(url);
  if (url === "/v2/") send(response, 200, Buffer.from("{}"), {});
  else if (url.startsWith("/v2/_catalog")) listRepositories(url, response);
  else if (!match) refuse(response);
  else if (match[1]?.startsWith("mirror")) takeIn(request, response, match);
  else answer(request, response, match);
});

function answer(request: IncomingMessage, response: ServerResponse, match: RegExpExecArray): void {
  const [url, name = "", kind, reference = ""] = match;
  const repository = Number(/^bench\/app-(\d+)$/.exec(name)?.[1]);
  if (!(repository < world.size.repositories)) refuse(response);
  else if (kind === "referrers") send(response, 200, noReferrers, { "content-type": indexType });
  else if (kind === "tags") listTags(name, request.url ?? url, response);
  else if (kind === "manifests") {
    const image = world.imageOf(repository, reference);
    const bytes = image === undefined ? undefined : world.manifest(image);
    if (!bytes) refuse(response);
    else send(response, 200, bytes, { "content-type": manifestType, "docker-content-digest": digestOf(bytes) });
  } else {
    const bytes = world.blob(reference);
    if (bytes) send(response, 200, bytes, { "content-type": "application/octet-stream" });
    else refuse(response);
  }
}

function listTags(name: string, url: string, response: ServerResponse): void {
  const asked = new URL(url, "http://localhost").searchParams;
  const most = Math.min(1000, Number(asked.get("n") ?? 1000));
  const last = asked.get("last");
  const from = last === null ? 0 : (world.imageOf(0, last) ?? world.size.tags) + 1;
  const to = Math.min(world.size.tags, from + most);
  const tags = Array.from({ length: to - from }, (_, at) => World.tagName(from + at));
  const next =
    to < world.size.tags ? { link: `</v2/${name}/tags/list?n=${most}&last=${tags.at(-1)}>; rel="next"` } : {};
  send(response, 200, Buffer.from(JSON.stringify({ name, tags })), { "content-type": "application/json", ...next });
}

function listRepositories(url: string, response: ServerResponse): void {
  const asked = new URL(url, "http://localhost").searchParams;
  const most = Math.min(1000, Number(asked.get("n") ?? 1000));
  const last = asked.get("last");
  const from = last === null ? 0 : Number(last.slice("bench/app-".length)) + 1;
  const to = Math.min(world.size.repositories, from + most);
  const repositories = Array.from({ length: to - from }, (_, at) => World.repositoryName(from + at));
  const isLast = to >= world.size.repositories;
  const next = isLast ? {} : { link: `</v2/_catalog?n=${most}&last=${repositories.at(-1)}>; rel="next"` };
  send(response, 200, Buffer.from(JSON.stringify({ repositories })), { "content-type": "application/json", ...next });
}

/** The registry that is pushed to. */
function takeIn(request: IncomingMessage, response: ServerResponse, match: RegExpExecArray): void {
  const [, name = "", kind = "", reference = ""] = match;
  const key = `${name} ${kind} ${reference}`;
  const known = pushed.get(key);
  if (request.method === "POST") {
    uploads += 1;
    send(response, 202, nothing, { location: `/v2/${name}/blobs/uploads/${uploads}` });
  } else if (request.method === "PUT") {
    const digest = new URL(request.url ?? "", "http://localhost").searchParams.get("digest");
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const own = digest ?? digestOf(Buffer.concat(chunks));
      pushed.set(digest === null ? key : `${name} blobs ${digest}`, own);
      send(response, 201, nothing, { location: `/v2/${name}/${kind}/${own}`, "docker-content-digest": own });
    });
  } else if (kind === "referrers") send(response, 200, noReferrers, { "content-type": indexType });
  else if (known === undefined) refuse(response);
  else send(response, 200, nothing, { "content-type": manifestType, "docker-content-digest": known });
}

function send(
  response: ServerResponse,
  status: number,
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, "content-length": bytes.byteLength });
  response.end(bytes); // of a HEAD, node sends the length alone
}

function refuse(response: ServerResponse): void {
  const errors = [{ code: "NOT_FOUND", message: "not here" }];
  send(response, 404, Buffer.from(JSON.stringify({ errors })), { "content-type": "application/json" });
}

process.on("message", (message) => {
  if (message === "forget") pushed.clear();
  process.send?.({ requests });
  requests = 0;
});
process.on("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
