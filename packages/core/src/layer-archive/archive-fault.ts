/** A hostile name may have millions of characters. */
const maxShown = 1000;

/** Why an archive cannot be read. `entry` is the one at fault, as people read its name, where it has got one. */
export class ArchiveFault extends Error {
  readonly entry: string | undefined;

  constructor(reason: string, entry?: string) {
    super(reason);
    this.entry = entry === undefined || entry.length <= maxShown ? entry : `${entry.slice(0, maxShown)}…`;
  }
}
