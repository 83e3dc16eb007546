/** How far a pull is. */
export interface PullProgress {
  /** Of all layers as they are stored; 0 when that is unknown. */
  readonly totalBytes: number;
  readonly downloadedBytes: number;
  readonly totalLayers: number;
  readonly completedLayers: number;
  /** Bytes a second; 0 where it is not known. */
  readonly speedBps: number;
  /** 0 to 100. */
  readonly percent: number;
}

/** Takes the state of a pull; may be called from several downloads at once. */
export type OnPullProgress = (progress: PullProgress) => void;
