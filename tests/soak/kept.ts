/** A run that found nothing wrong, to be kept with `--write`. */
export interface Kept {
  readonly title: string;
  /** What repeats it, after `pnpm soak`. */
  readonly flags: string;
  readonly outcome: string;
}
