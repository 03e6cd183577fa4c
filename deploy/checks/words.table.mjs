// Words that docs/glossary.md replaces. Each row: what to find, as a whole word in any case, and what to write instead.

/** @type {readonly { find: RegExp; use: string }[]} */
export const REPLACED_WORDS = [
  { find: /\b(tell|tells|told|telling|teller)\b/i, use: 'publish, emit, notify, record, or say' },
  { find: /\b(un)?less told\b/i, use: 'Default: …' },
  { find: /\b(films?|movies?)\b/i, use: 'video' },
  { find: /\banew\b/i, use: 'again' },
  { find: /\b(made|making) again and again\b/i, use: 'repeated' },
  { find: /\btak(e|es|en) up again\b/i, use: 'retried' },
  { find: /\bworked off\b/i, use: 'handled' },
  { find: /\b(in doubt|doubts?)\b/i, use: 'unknown outcome' },
  { find: /\b(bury|buries|buried)\b/i, use: 'dead letter' },
  { find: /\bsetbacks?\b/i, use: 'failure' },
  { find: /\bowed\b/i, use: 'unsettled' },
  { find: /\bwish(es|ed)?\b/i, use: 'purchase, request' },
  { find: /\bformer(ly)?\b/i, use: 'previous' },
  { find: /\b(board|boards|boarded|boarding)\b/i, use: 'acquire (a lease)' },
  { find: /\bdesks?\b/i, use: 'repository, store, client' },
  { find: /\bbooks?\b/i, use: 'repository, store, ledger' },
  { find: /\bpark(s|ed|ing)?\b/i, use: 'dead letter' },
  { find: /(?<!\bin[- ])(?<!\bsingle[-. ])\bflights?\b/i, use: 'lease' },
  { find: /\bhand(s|ed|ing)?[ _]back\b/i, use: 'nak' },
  { find: /\bmoved[ .]on\b/i, use: 'ack, continue' },
  { find: /\bin the making\b/i, use: 'in progress' },
  { find: /\b(by lot|draws? (no )?lots)\b/i, use: 'at random' },
  { find: /\b[A-Za-z]*Parts\b/, use: '…Deps' },
  { find: /\b[A-Z_]*_PARTS\b/, use: '…_DEPS' },
];

/** Names that keep such a word: a field of the API, a product of others, a name in the outputs of providers. */
export const KEPT_NAMES = /\b(formerSignsUntil|MoviePy|video\|clip\|movie)\b/g;

/** Files that list the words, files that other people wrote, and the reader of stored records with older field names. */
export const EXEMPT_FILES = [
  /^docs\/glossary\.md$/,
  /^deploy\/checks\//,
  /(^|\/)fixtures\//,
  /^CHANGELOG\.md$/,
  /^libs\/persistence\/src\/records\/stored\.generation\.ts$/,
];
