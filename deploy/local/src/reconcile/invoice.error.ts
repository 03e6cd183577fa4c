/** An invoice cannot be read. The message is one sentence that names the line. */
export class InvoiceError extends Error {
  override readonly name = 'InvoiceError';
}
