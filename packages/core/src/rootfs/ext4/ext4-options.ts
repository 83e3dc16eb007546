/**
 * Holds options of an ext4 image against what they may be.
 * @throws TypeError
 */
export function requireExt4Options(options: {
  readonly sizeBytes?: number | undefined;
  readonly label?: string | undefined;
  readonly uuid?: string | undefined;
}): void {
  const { sizeBytes, label, uuid } = options;
  if (sizeBytes !== undefined && !(Number.isSafeInteger(sizeBytes) && sizeBytes > 0))
    throw new TypeError(`sizeBytes is no size: ${sizeBytes}`);
  if (label !== undefined && (label === "" || Buffer.byteLength(label) > 16 || /\p{C}/u.test(label)))
    throw new TypeError(`label is none of 1 to 16 printable bytes: ${JSON.stringify(label)}`);
  if (uuid !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid))
    throw new TypeError(`uuid is no UUID in lower case: ${JSON.stringify(uuid)}`);
}
