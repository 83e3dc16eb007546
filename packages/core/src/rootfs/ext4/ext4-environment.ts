import type { ToolEnvironment } from "./find-tool.ts";

/** The moment every step says it is: none of its clocks may show in an image. In seconds since 1970; 0 would mean "not set". */
const fakeTime = "1";

/** What of the caller's environment the programs see: where they and their libraries are. */
const kept = ["PATH", "LD_LIBRARY_PATH"] as const;

/**
 * The environment of the e2fsprogs: English, at a fixed moment, and with no settings of this machine or user.
 * @param folder - Holds the settings that {@link ext4Settings} are written to.
 */
export function ext4Environment(folder: string, environment: ToolEnvironment = process.env): ToolEnvironment {
  const own = {
    LC_ALL: "C",
    TZ: "UTC0",
    HOME: folder,
    PAGER: "cat",
    E2FSPROGS_FAKE_TIME: fakeTime,
    E2FSCK_TIME: fakeTime,
    SOURCE_DATE_EPOCH: fakeTime,
    MKE2FS_CONFIG: `${folder}/${ext4Settings.name}`,
    E2FSCK_CONFIG: "/dev/null",
  };
  const given = kept.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]]));
  return { ...Object.fromEntries(given), ...own };
}

/** In place of the machine's `mke2fs.conf`, which differs from one to the next. */
export const ext4Settings: { readonly name: string; readonly text: string } = {
  name: "mke2fs.conf",
  text: "[defaults]\n\tblocksize = 4096\n[fs_types]\n\text4 = {\n\t\tinode_size = 256\n\t}\n\tplain = {\n\t\tblocksize = 4096\n\t}\n",
};

/** What the image is called in the folder the programs run in. Elsewhere its path may have a "?", which they take for options. */
export const imageLink = "image";
