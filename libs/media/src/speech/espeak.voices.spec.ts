import { describe, expect, it } from '@jest/globals';
import { parseVoices, voiceArgument, voiceFor } from './espeak.voices.js';

/** Lines of `espeak-ng --voices`, and one that is no voice. */
const TABLE = `Pty Language       Age/Gender VoiceName          File                 Other Languages
 5  af              --/M      Afrikaans          gmw/af               
 5  cmn             --/M      Chinese_(Mandarin,_latin_as_English) sit/cmn              (zh-cmn 5)(zh 5)
 5  yue             --/M      Chinese_(Cantonese) sit/yue              (zh-yue 5)(zh 8)
 2  en-gb           --/M      English_(Great_Britain) gmw/en               (en 2)
 5  en-gb-scotland  --/M      English_(Scotland) gmw/en-GB-scotland   (en 4)
 2  en-us           --/M      English_(America)  gmw/en-US            (en 3)
 5  fr-be           --/M      French_(Belgium)   roa/fr-BE            (fr 8)
 5  fr-fr           --/M      French_(France)    roa/fr               (fr 5)
 5  pt              --/M      Portuguese_(Portugal) roa/pt               (pt-pt 5)
 5  pt-br           --/M      Portuguese_(Brazil) roa/pt-BR            (pt 6)
 7  vi-vn-x-south   --/M      Vietnamese_(Southern) aav/vi-VN-x-south    
not a voice
`;
const voices = parseVoices(TABLE);

describe('the voices of espeak-ng', () => {
  it('are read from its table', () => {
    expect(voices).toHaveLength(11);
    expect(voices[1]).toEqual({
      language: 'cmn',
      name: 'Chinese_(Mandarin,_latin_as_English)',
      file: 'sit/cmn',
      ranks: new Map([
        ['zh-cmn', 5],
        ['zh', 5],
        ['cmn', 5],
      ]),
    });
    expect(parseVoices('')).toEqual([]);
  });

  it.each([
    ['en', 'gmw/en-US'],
    ['EN_gb', 'gmw/en'],
    ['en-AU', 'gmw/en-US'],
    ['en-GB-scotland', 'gmw/en-GB-scotland'],
    ['fr', 'roa/fr'],
    ['fr-CA', 'roa/fr'],
    ['pt', 'roa/pt-BR'],
    ['pt-PT', 'roa/pt'],
    ['zh', 'sit/cmn'],
    ['zh-CN', 'sit/cmn'],
    ['vi', 'aav/vi-VN-x-south'],
    ['de', undefined],
    ['', undefined],
  ])('speak %j with %s', (language, file) => {
    expect(voiceFor(voices, language)?.file).toBe(file);
  });

  it.each([
    ['en-us', 'gmw/en-US'],
    ['English_(America)', 'gmw/en-US'],
    ['gmw/en-US+f3', 'gmw/en-US+f3'],
    ['af+croak', 'gmw/af+croak'],
    ['+f3', 'roa/fr+f3'],
    ['', undefined],
    ['+', undefined],
    ['en-us+f3+m1', undefined],
    ['en-us+../../etc/passwd', undefined],
    ['/etc/passwd', undefined],
    ['--help', undefined],
    ['en-us -w /tmp/x', undefined],
  ])('that a request names as %j are the argument %s', (requested, argument) => {
    expect(voiceArgument(voices, requested, voiceFor(voices, 'fr'))).toBe(argument);
  });
});
