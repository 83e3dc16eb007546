import { RootfsError } from "../errors.ts";

/** The greatest user or group; the one above it means none. */
const maxId = 0xfffffffe;

/** `EDIT_FAILED`: `verb` could not be done to `path`. */
export function editFailed(verb: string, path: string, reason: string): RootfsError<"EDIT_FAILED"> {
  return new RootfsError("EDIT_FAILED", `cannot ${verb} ${JSON.stringify(path)} in the image: ${reason}`, {
    path,
    reason,
  });
}

/** Gives `mode` back. @throws RootfsError `EDIT_FAILED` when it is more or less than permission bits */
export function requireMode(verb: string, path: string, mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode;
  throw editFailed(verb, path, `${mode} is no mode from 0 to 0o7777`);
}

/** Gives `id` back. @throws RootfsError `EDIT_FAILED` when it is no number of a user or group */
export function requireId(verb: string, path: string, id: number): number {
  if (Number.isInteger(id) && id >= 0 && id <= maxId) return id;
  throw editFailed(verb, path, `there is no user or group ${id}`);
}
