/** The longest a timer can be set to, in milliseconds: patience beyond it is as good as endless. */
export const longestTimerMs: number = 2 ** 31 - 1;

/** Resolves after `delayMs` milliseconds; rejects with the signal's own reason as soon as it is aborted. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
