/** A webhook as it was received. `header` reads a header by its lower-case name. */
export interface ReceivedWebhook {
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

export interface ReportSignature {
  /** Throws `PROVIDER_UNAVAILABLE` when it cannot be verified now; the provider sends the report again. */
  readonly isSigned: (webhook: ReceivedWebhook) => boolean | Promise<boolean>;
  /** What signs, for users, such as a variable. */
  readonly signedWith: string;
}

/** A report whose address has the key of the purchase and proves it: see `reportAddress`. */
interface PurchaseAddress<Settings> {
  readonly address: 'purchase';
  /** The secret of the addresses. Undefined: none was made, and every report is refused. */
  secretOf(settings: Settings): string | undefined;
}
/** Every report has the same address, `/v1/webhooks/<provider>`. Only its signature proves it. */
interface SharedAddress {
  readonly address: 'shared';
}

/** A signed report in JSON of at most 1 MB. It says only which prediction is meant: the rest is read from the provider. */
interface SignedReport<Settings> {
  readonly body: 'signed';
  /** Field of the body with the id of the prediction. */
  readonly idField: string;
  signatureOf(settings: Settings): ReportSignature;
}
/** A report that is the only copy of its prediction. It is stored unread, as a file. */
interface StoredReport<Settings> {
  readonly body: 'stored';
  maxBytesOf(settings: Settings): number;
  /** The variable that limits its size. */
  readonly limitVariable: string;
}

/**
 * How the gateway receives the reports of a provider. The id of a signed report wakes the wait for its prediction. With an address of
 * its purchase, what is reported is also recorded with the purchase.
 */
export type ReportLane<Settings> = {
  /** The URL under which the provider reaches the gateway. Undefined: it sends no reports. */
  urlOf(settings: Settings): string | undefined;
} & (
  | (SignedReport<Settings> & (PurchaseAddress<Settings> | SharedAddress))
  | (StoredReport<Settings> & PurchaseAddress<Settings>)
);
