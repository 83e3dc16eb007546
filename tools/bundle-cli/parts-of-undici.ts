import type { Plugin } from "rolldown";

/** What is used of undici by name, and the file of it that exports it. */
const parts = {
  Dispatcher: "dispatcher/dispatcher.js",
  Pool: "dispatcher/pool.js",
  buildConnector: "core/connect.js",
  errors: "core/errors.js",
};

const entry = "\0undici";

/** What speaks HTTP/2, which no connection here offers: it would load a tenth of Node that nothing else needs. */
const http2Client = /\/undici\/lib\/dispatcher\/client-h2\.js$/;

/**
 * Has undici's parts taken from their files: its entry loads all there is, and would be a third of what the program reads at its start.
 * `user` is a module that can import undici.
 */
export function partsOfUndici(user: string): Plugin {
  return {
    name: "parts-of-undici",
    resolveId(source, importer) {
      if (source === "undici") return entry;
      return importer === entry ? this.resolve(source, user) : null;
    },
    load(id) {
      if (http2Client.test(id)) return `module.exports = () => { throw new Error("HTTP/2 is not spoken here"); };`;
      if (id !== entry) return null;
      const exports = Object.entries(parts).map(
        ([name, file]) => `export { default as ${name} } from "undici/lib/${file}";`,
      );
      return exports.join("\n");
    },
  };
}
