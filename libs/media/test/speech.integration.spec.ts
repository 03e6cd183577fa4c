import { execFileSync } from 'node:child_process';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spokenSeconds } from '@clipmesh/contracts';
import { type TempFolder, tempFolder, until } from '@clipmesh/testing';
import { Espeak, Media } from '../src/index.js';

/** Test timeout, ms. */
const DEADLINE_MS = 120_000;
const never = new AbortController().signal;
const options = { timeoutMs: DEADLINE_MS, maxProcesses: 2 };
let folder: TempFolder;
let media: Media;
const at = (name: string): string => join(folder.path, name);
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });
const installed = await new Espeak(options).version(AbortSignal.timeout(DEADLINE_MS)).then(
  () => true,
  () => false,
);
const withEspeak = installed ? describe : describe.skip;

beforeAll(async () => {
  folder = await tempFolder('speech');
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: at('tmp'), maxProcesses: 2 });
});
afterAll(async () => {
  expect(media.running()).toBe(0);
  await folder.remove();
});

const HELLO = 'The kettle sings at five in the morning, and nobody minds.';

withEspeak('espeak-ng', () => {
  const espeak = new Espeak(options);
  const speak = (name: string, input: Parameters<Espeak['speak']>[0]) => espeak.speak(input, at(name), context());

  it('speaks the same text with the same bytes, and measures them', async () => {
    const [one, two] = [await speak('one.wav', { text: HELLO }), await speak('two.wav', { text: HELLO })];
    expect(await readFile(at('one.wav'))).toEqual(await readFile(at('two.wav')));
    expect(two).toEqual(one);
    const rules = { minSeconds: 0, maxSeconds: 60 };
    const { durationSeconds } = await media.verifySpeech(at('one.wav'), rules, context());
    expect(durationSeconds).toBeCloseTo(one.durationSeconds, 2);
    expect(espeak.running()).toBe(0);
  });

  it.each<[string, string | undefined]>([
    [HELLO, undefined],
    ['Der Kessel singt um fünf Uhr morgens.', 'de-AT'],
    ['La bouilloire chante à cinq heures du matin.', 'fr'],
    ['Чайник поёт в пять утра.', undefined],
    ['केतली सुबह पाँच बजे गाती है।', undefined],
    ['الغلاية تغني في الخامسة صباحا', undefined],
    ['水壶在早上五点唱歌。', undefined],
    ['주전자가 아침 다섯 시에 노래한다.', undefined],
    ['$1,999,999.99, 50% off, NASA and 3D @ home', undefined],
    ['5 4 3 2 1', undefined],
  ])('speaks %j within the bounds of its text', async (text, language) => {
    await speak('spoken.wav', { text, language });
    const { least, most } = spokenSeconds(text);
    await media.verifySpeech(at('spoken.wav'), { minSeconds: least, maxSeconds: most }, context());
  });

  it('speaks faster, slower, and with other voices', async () => {
    const seconds = async (speed: number) => (await speak('speed.wav', { text: HELLO, speed })).durationSeconds;
    const [slow, usual, fast] = [await seconds(0.5), await seconds(1), await seconds(2)];
    expect(usual / fast).toBeGreaterThan(1.5);
    expect(slow / usual).toBeGreaterThan(1.5);
    expect(await seconds(4)).toBeLessThan(fast);
    await speak('usual.wav', { text: HELLO });
    for (const voice of ['+f3', 'en-gb', 'gmw/en-US+m3']) {
      await speak('voice.wav', { text: HELLO, voice });
      expect((await readFile(at('voice.wav'))).equals(await readFile(at('usual.wav')))).toBe(false);
    }
  });

  it.each([
    ['a text without a word', { text: '…!? 🎉' }, /nothing to speak/],
    ['a language that it lacks', { text: 'a', language: 'xx-XX' }, /no voice for the language xx-XX/],
    ['a script that it lacks', { text: 'ꦱꦼꦭꦩꦠ꧀' }, /no voice for the script of the text/],
    ['a voice that it lacks', { text: 'a', voice: 'alloy' }, /no voice alloy/],
    ['a path for a voice', { text: 'a', voice: '/etc/passwd' }, /no voice/],
    ['options for a voice', { text: 'a', voice: '-h' }, /no voice/],
  ])('refuses %s', async (_name, input, message) => {
    await expect(speak('none.wav', input)).rejects.toMatchObject({
      ...{ code: 'PROVIDER_BAD_INPUT', retryable: false },
      message: expect.stringMatching(message) as unknown,
    });
    expect(await readdir(folder.path)).not.toContain('none.wav');
  });

  it('reads options, markup, phonemes and control characters in a text as text', async () => {
    const { durationSeconds } = await speak('a.wav', { text: '<break time="600s"/> hello' });
    expect(durationSeconds).toBeLessThan(20);
    await speak('b.wav', { text: '-w /tmp/x --help\0\u0007 hello' });
    await speak('c.wav', { text: "[[h@'loU]] [[[[x]]" });
    await speak('d.wav', { text: '[ [' + "h@'loU]] [ [ [ [x]]" });
    expect(await readFile(at('c.wav'))).toEqual(await readFile(at('d.wav')));
  });
});

describe('the process of espeak-ng', () => {
  const VOICES = 'Pty Language Age/Gender VoiceName File Other\n 2  en-us  --/M  English  gmw/en-US  (en 2)';
  /** A program in the place of espeak-ng. `speak`: shell commands; the output file is `$9`. */
  async function program(name: string, speak: string): Promise<Espeak> {
    const path = at(name);
    const script = `#!/bin/sh\nif [ "$1" = --voices ]; then echo '${VOICES}'; exit; fi\n${speak}\n`;
    await writeFile(path, script);
    await chmod(path, 0o755);
    return new Espeak({ ...options, path });
  }
  const refused = (espeak: Espeak, signal = never) =>
    espeak.speak({ text: 'hello' }, at('out.wav'), { signal }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it('gets the text by standard input, and never as an argument', async () => {
    const espeak = await program('echo', `echo "$@" > ${at('args')}; cat > ${at('text')}; exit 1`);
    const text = 'a secret plan "; touch /tmp/x $(id)';
    await espeak.speak({ text, speed: 2 }, at('out.wav'), { signal: never }).catch(() => undefined);
    expect(await readFile(at('text'), 'utf8')).toBe(text);
    expect((await readFile(at('args'), 'utf8')).trim()).toBe(`-z -b 1 -v gmw/en-US -s 350 -w ${at('out.wav')} --stdin`);
  });

  it('is killed when it is aborted, and leaves no file', async () => {
    const espeak = await program('slow', `echo x > "$9"; touch ${at('started')}; exec sleep 600`);
    const caller = new AbortController();
    const end = refused(espeak, caller.signal);
    await until(async () => (await readdir(folder.path)).includes('started'), DEADLINE_MS, 'the start of the process');
    caller.abort();
    expect(await end).toMatchObject({ code: 'CANCELED' });
    expect(espeak.running()).toBe(0);
    expect(await readdir(folder.path)).not.toContain('out.wav');
  });

  it.each([
    [
      'fails',
      'echo "Error: no voices" >&2; exit 2',
      { code: 'PROVIDER_UNAVAILABLE', retryable: true },
      /exit code 2\): Error: no voices/,
    ],
    ['finds no space', 'echo "write: No space left on device" >&2; exit 1', { code: 'STORE_UNAVAILABLE' }, /No space/],
    ['is killed by the system', 'kill -9 $$', { code: 'OUT_OF_MEMORY' }, /killed by the system/],
    ['writes nothing', 'exit 0', { code: 'PROVIDER_BAD_INPUT' }, /nothing to speak/],
    ['writes no sound', 'printf RIFF > "$9"', { code: 'PROVIDER_BAD_INPUT' }, /nothing to speak/],
    ['does not read the text', 'exec 0<&-; exit 3', { code: 'PROVIDER_UNAVAILABLE' }, /exit code 3/],
  ])('that %s is reported', async (name, speak, failure, message) => {
    const error = await refused(await program(name.replaceAll(' ', '-'), speak));
    expect(error).toMatchObject({ ...failure, message: expect.stringMatching(message) as unknown });
    expect(await readdir(folder.path)).not.toContain('out.wav');
  });

  it('that takes too long is killed', async () => {
    await program('late', 'exec sleep 600');
    const espeak = new Espeak({ path: at('late'), timeoutMs: 50, maxProcesses: 1 });
    expect(await refused(espeak)).toMatchObject({ code: 'PROVIDER_TIMEOUT', retryable: true });
    expect(espeak.running()).toBe(0);
  });

  it('that is missing is reported with what to install', async () => {
    const espeak = new Espeak({ ...options, path: at('missing') });
    await expect(espeak.version(never)).rejects.toThrow(/apt-get install espeak-ng.*ESPEAK_PATH/);
    expect(await refused(espeak)).toMatchObject({
      ...{ code: 'PROVIDER_UNAVAILABLE', retryable: false },
      message: expect.stringMatching(/apt-get install espeak-ng/) as unknown,
    });
  });
});

describe('a speech', () => {
  const rules = { minSeconds: 1, maxSeconds: 5 };
  const ffmpeg = (...args: string[]): void => {
    const quiet = ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error'];
    execFileSync('ffmpeg', [...quiet, ...args], { cwd: folder.path, timeout: DEADLINE_MS });
  };
  const sound = (name: string, source: string): void => {
    ffmpeg('-f', 'lavfi', '-i', source, '-ac', '1', '-ar', '24000', name);
  };
  const verified = (name: string) => media.verifySpeech(at(name), rules, context());

  it.each(['wav', 'mp3', 'ogg', 'flac', 'aac'])('in %s is measured by its samples', async (ending) => {
    sound(`tone.${ending}`, 'sine=d=2');
    expect((await verified(`tone.${ending}`)).durationSeconds).toBeCloseTo(2, 0);
  });

  it.each([0xffff_ffff, 0x7fff_ffff, 0x7fff_f000, 2_000_000_000])(
    'streamed as WAV of %i bytes is measured by its samples',
    async (size) => {
      sound('streamed.wav', 'sine=d=2');
      const bytes = await readFile(at('streamed.wav'));
      bytes.writeUInt32LE(size, bytes.indexOf('data') + 4);
      await writeFile(at('streamed.wav'), bytes);
      expect((await verified('streamed.wav')).durationSeconds).toBeCloseTo(2, 3);
    },
  );

  it.each<[string, () => void | Promise<void>, RegExp]>([
    [
      'with half of its samples',
      async () => {
        sound('whole.wav', 'sine=d=4');
        await writeFile(at('bad.wav'), (await readFile(at('whole.wav'))).subarray(0, 100_000));
      },
      /truncated/,
    ],
    [
      'shorter than its text',
      () => {
        sound('bad.wav', 'sine=d=0.5');
      },
      /lasts 0.5 s; its text takes at least 1 s/,
    ],
    [
      'longer than its text',
      () => {
        sound('bad.wav', 'sine=d=60');
      },
      /more than 5 s/,
    ],
    [
      'of silence',
      () => {
        sound('bad.wav', 'anullsrc=d=2');
      },
      /silent/,
    ],
    [
      'of a picture',
      () => {
        ffmpeg('-f', 'lavfi', '-i', 'testsrc=d=1', '-f', 'avi', 'bad.wav');
      },
      /no audio stream/,
    ],
    ['of nothing', () => writeFile(at('bad.wav'), ''), /not a media file/],
    ['of a page', () => writeFile(at('bad.wav'), '<!doctype html>'), /not a media file/],
  ])('%s is refused, without a path', async (_name, make, problem) => {
    await make();
    const error: unknown = await verified('bad.wav').catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'MEDIA_INVALID', message: expect.stringMatching(problem) as unknown });
    expect((error as Error).message).not.toContain(folder.path);
  });

  it.each(['wav', 'mp3', 'opus', 'aac', 'flac'] as const)('is converted to %s with the same bytes', async (format) => {
    sound('source.wav', 'sine=d=2');
    for (const name of ['one', 'two'])
      await media.convertSound({ file: at('source.wav'), output: at(name), format }, context());
    expect(await readFile(at('one'))).toEqual(await readFile(at('two')));
    expect((await media.probe(at('one'), context())).audio).toMatchObject({ channels: 1 });
  });
});
