/** What `work` gives, or `signal.reason` at once when that comes first: `work` need not have heard of the signal. */
export async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  if (!signal) return await work();
  const left = new AbortController();
  try {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: left.signal });
    });
    return await Promise.race([work(), aborted]);
  } finally {
    left.abort();
  }
}
