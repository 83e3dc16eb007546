/** What `work` gives, or `signal.reason` at once when that comes first: `work` need not have heard of the signal. */
export async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  if (!signal) return await work();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    work().then(resolve, reject);
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
