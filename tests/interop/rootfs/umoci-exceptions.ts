import { clockTime, type Exception } from "./compare.ts";
import { attributes } from "./nasty-image.ts";

const emptyDirectory = { left: "0.000000000", field: "mtime", right: clockTime } as const;

/** What umoci 0.4.7 makes otherwise of the layers of `nasty-image.ts`, and why it should be otherwise. */
export const umociExceptions: readonly Exception[] = [
  ...["dot", "dot-dot", "implicit", "implicit/parents", "slashes", "whiteouts/lower-last/deep"].map((path) => ({
    ...emptyDirectory,
    path,
    because: "a directory without an entry has no time; umoci takes the clock's, which no second unpacking repeats",
  })),
  {
    path: "whiteouts/lower-last/deep",
    field: "mode",
    left: "0755",
    right: "0711",
    because: "an opaque whiteout hides the lower directory wherever in the layer it stands, its metadata too",
  },
  {
    path: "bookkeeping",
    field: "mtime",
    left: "1600000000.000000000",
    right: clockTime,
    because: "umoci makes a directory in it that is none of the image's",
  },
  ...["", "/11.22"].map((name) => ({
    path: `bookkeeping/.wh..wh.plnk${name}`,
    field: "path",
    left: "absent",
    right: name === "" ? "directory" : "file",
    because: "names that begin with .wh. are reserved and never files of the image",
  })),
  {
    path: "twins/other/file",
    field: "path",
    left: "file",
    right: "absent",
    because: "a whiteout is of what lower layers had at its name, not of what a new link there leads to",
  },
  {
    path: "attributes",
    field: "xattrs",
    left: attributesText(["user.empty"]),
    right: attributesText([]),
    because: "GNU tar packs and unpacks attributes without a value; Go's tar reader drops them",
  },
];

function attributesText(more: readonly string[]): string {
  const all = Object.entries(attributes).filter(([name, value]) => value !== "" || more.includes(name));
  return all
    .map(([name, value]) => `${name}=${Buffer.from(value, "latin1").toString("hex")}`)
    .sort()
    .join(" ");
}
