/** `localhost`, names below it, and loopback addresses. */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/i.test(hostname);
}
