const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "what should be a folder on the way there is a file",
  EISDIR: "it is a folder",
  EACCES: "this user may not",
  EPERM: "this user may not",
  ENOSPC: "the disk is full",
  EROFS: "it is on a file system that is read-only",
};

/** Why the system refused a file, for people; what has no words here is told by the system's own code, such as `EIO`. */
export function fileReason(cause: unknown): string {
  const { code = "unknown" } = cause as NodeJS.ErrnoException;
  const words = reasons[code];
  return words === undefined ? code : `${words} (${code})`;
}
