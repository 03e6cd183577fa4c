/** A voice of espeak-ng, from `espeak-ng --voices`. */
export interface EspeakVoice {
  /** BCP 47, lower case: `en-gb`. */
  readonly language: string;
  /** `English_(Great_Britain)` */
  readonly name: string;
  /** Its voice file: `gmw/en`. */
  readonly file: string;
  /** Languages that it also speaks, with their rank: the lowest speaks it best. Contains its own language. */
  readonly ranks: ReadonlyMap<string, number>;
}

const ROW = /^\s*(\d+)\s+(\S+)\s+\S+\/\S+\s+(\S+)\s+(\S+)\s*(.*)$/;
const OTHER = /\((\S+) (\d+)\)/g;

/** Reads the table that `espeak-ng --voices` prints. Lines that are not voices are skipped. */
export function parseVoices(table: string): EspeakVoice[] {
  return table.split('\n').flatMap((line) => {
    const [, rank, language, name, file, others = ''] = ROW.exec(line) ?? [];
    if (rank === undefined || language === undefined || name === undefined || file === undefined) return [];
    const own = [language.toLowerCase(), Number(rank)] as const;
    const also = Array.from(
      others.matchAll(OTHER),
      ([, tag = '', place]) => [tag.toLowerCase(), Number(place)] as const,
    );
    return [{ language: own[0], name, file, ranks: new Map([...also, own]) }];
  });
}

/** A language without a region means this one: espeak-ng itself would take British English and European Portuguese. */
const REGIONS: Readonly<Record<string, string>> = { en: 'en-us', pt: 'pt-br' };

/** The voice for a language, BCP 47: of that region, else of the language. Undefined: none speaks it. */
export function voiceFor(voices: readonly EspeakVoice[], language: string): EspeakVoice | undefined {
  const tag = language.toLowerCase().replaceAll('_', '-');
  const base = tag.split('-', 1)[0] ?? tag;
  const wanted = [REGIONS[tag] ?? tag, tag, REGIONS[base] ?? base, base];
  for (const each of wanted) {
    const [best] = voices
      .filter(({ ranks }) => ranks.has(each))
      .sort((a, b) => (a.ranks.get(each) ?? 0) - (b.ranks.get(each) ?? 0));
    if (best !== undefined) return best;
  }
  // A language of which only regions are spoken, as in older versions `fr-fr`.
  return voices.find((voice) => voice.language.startsWith(`${base}-`));
}

/** A variant of a voice: `f3`, `croak`. */
const VARIANT = /^[A-Za-z0-9_-]{1,30}$/;

/**
 * The argument of espeak-ng for a voice that a request names: its language, name or file, each perhaps with `+variant`; `+variant`
 * alone is one of `usual`, the voice of the language. Undefined: no such voice. Any other text would be a path for espeak-ng.
 */
export function voiceArgument(
  voices: readonly EspeakVoice[],
  requested: string,
  usual: EspeakVoice | undefined,
): string | undefined {
  const [named = '', variant, ...rest] = requested.split('+');
  if (rest.length > 0 || (variant !== undefined && !VARIANT.test(variant))) return undefined;
  const wanted = named.toLowerCase();
  const known = voices.find(({ language, name, file }) =>
    [language, name.toLowerCase(), file.toLowerCase()].includes(wanted),
  );
  const found = named === '' && variant !== undefined ? usual : known;
  return found && (variant === undefined ? found.file : `${found.file}+${variant}`);
}
