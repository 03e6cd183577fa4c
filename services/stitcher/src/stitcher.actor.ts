import { join } from 'node:path';
import {
  type Artifact,
  ClipmeshError,
  message,
  type Outgoing,
  sideBySide,
  SPEECH_START_SECONDS,
  StitchFailed,
  StitchRender,
  type StitchRenderBody,
  toFailure,
  VideoStitched,
  WorkRetried,
} from '@clipmesh/contracts';
import { bestThumbnail, type BedFiles, type JoinInput, type Media, type MixInput } from '@clipmesh/media';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { type ArtifactStore, type Scratch } from '@clipmesh/persistence';
import { Controller, Inject } from '@nestjs/common';

export const STITCHER_DEPS = Symbol('STITCHER_DEPS');
export interface StitcherDeps {
  readonly media: Media;
  readonly beds: BedFiles;
  readonly artifacts: ArtifactStore;
  readonly scratch: Scratch;
}

const now = (): string => new Date().toISOString();
const failureBody = (body: StitchRenderBody, error: unknown) => ({
  generationId: body.generationId,
  at: now(),
  charges: [],
  failure: toFailure(error, { stage: 'stitch' }),
});

/** The speeches at their places in the video. `paths`: their files, in the same order. */
function speechOf(
  scenes: StitchRenderBody['scenes'],
  speech: NonNullable<StitchRenderBody['speech']>,
  paths: readonly string[],
): Pick<MixInput, 'speech'> {
  if (speech.length === 0) return {};
  return {
    speech: speech.flatMap(({ scene, durationSeconds, tempo }, number) => {
      const at = scenes.findIndex(({ index }) => index === scene);
      const [own, file] = [scenes[at], paths[number]];
      if (own === undefined || file === undefined) return [];
      const before = scenes.slice(0, at).reduce((sum, one) => sum + one.durationSeconds, 0);
      const room = own.durationSeconds - SPEECH_START_SECONDS;
      const seconds = Math.min(room, durationSeconds / tempo);
      return [{ file, startSeconds: before + SPEECH_START_SECONDS, durationSeconds: seconds, tempo }];
    }),
  };
}

/** Joins the scenes in plan order by stream copy, mixes the sound once, and chooses the thumbnail. Decodes no pictures. */
@Controller()
export class StitcherActor {
  constructor(@Inject(STITCHER_DEPS) private readonly deps: StitcherDeps) {}

  @Inbox({
    inbox: 'stitcher',
    message: StitchRender,
    stage: 'stitch',
    failed: (body: StitchRenderBody, { error }: { error: unknown }): Outgoing[] => [
      message(StitchFailed, { ...failureBody(body, error), attempt: body.attempt }),
    ],
    retried: (body: StitchRenderBody, { error, ...retry }): Outgoing[] => [
      message(WorkRetried, { ...failureBody(body, error), ...retry }),
    ],
  })
  async receive(body: StitchRenderBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    const { media, artifacts, scratch } = this.deps;
    return scratch.withFolder(async (directory) => {
      const output = join(directory, 'video.mp4');
      const audio = join(directory, 'sound.m4a');
      const run = { signal: context.signal };
      const scenes = [...body.scenes].sort((a, b) => a.index - b.index);
      const made = scenes.map(({ transition }) => transition?.clip);
      const uploaded = body.music?.artifact;
      const speech = body.speech ?? [];
      const voices = speech.map((spoken) => spoken.speech);
      const inputs = [...scenes.map(({ clip }) => clip), ...made, ...voices, uploaded].filter(
        (file) => file !== undefined,
      );
      await this.withFiles(inputs, async (paths) => {
        const pathOf = (file: Artifact): string => paths[inputs.indexOf(file)] ?? '';
        const files = scenes.map(({ clip, durationSeconds }) => ({ file: pathOf(clip), durationSeconds }));
        const music = await this.musicOf(body, uploaded === undefined ? undefined : pathOf(uploaded));
        const sound = body.clipSound === false ? { clipVolume: 0 } : {};
        const spoken = speechOf(scenes, speech, voices.map(pathOf));
        const ready = made.map((clip) => (clip === undefined ? undefined : pathOf(clip)));
        const [clips] = await sideBySide(context.signal, [
          (signal) => this.withTransitions({ ...body, scenes }, files, ready, directory, signal),
          (signal) => media.mix({ scenes: files, ...sound, ...music, ...spoken, output: audio }, { signal }),
        ]);
        await media.join({ profile: body.profile, clips, audio, output }, run);
      });
      const [thumbnail, video] = await sideBySide(context.signal, [
        (signal) => this.thumbnailOf(scenes, directory, { signal }),
        () => artifacts.put(output, { contentType: 'video/mp4' }),
      ]);
      const { width, height } = body.profile;
      const durationSeconds = scenes.reduce((sum, scene) => sum + scene.durationSeconds, 0);
      const result = { video, thumbnail, durationSeconds, width, height };
      return [
        message(VideoStitched, {
          generationId: body.generationId,
          at: now(),
          charges: [],
          attempt: body.attempt,
          result,
        }),
      ];
    });
  }

  /** The scenes with the files of their transitions. Makes those that no overlay has made. */
  private withTransitions(
    { scenes, profile }: StitchRenderBody,
    files: readonly { readonly file: string; readonly durationSeconds: number }[],
    ready: readonly (string | undefined)[],
    directory: string,
    signal: AbortSignal,
  ): Promise<JoinInput['clips']> {
    return sideBySide(
      signal,
      files.map((clip, index) => async (signal: AbortSignal) => {
        const [kind, from] = [scenes[index]?.transition?.kind, files[index - 1]];
        if (kind === undefined || from === undefined) return clip;
        const made = ready[index];
        if (made !== undefined) return { ...clip, transition: made };
        const transition = join(directory, `transition-${index}.mov`);
        await this.deps.media.blend({ kind, from, to: clip, profile, output: transition }, 'stitch', { signal });
        return { ...clip, transition };
      }),
    );
  }

  /** The best candidate of the scenes. Without any, a frame of the first scene. */
  private async thumbnailOf(
    scenes: StitchRenderBody['scenes'],
    directory: string,
    run: { signal: AbortSignal },
  ): Promise<Artifact> {
    const best = bestThumbnail(scenes.flatMap(({ thumbnail }) => thumbnail ?? []));
    if (best !== undefined) return best.picture;
    const { media, artifacts } = this.deps;
    const [first] = scenes;
    if (first === undefined) throw new ClipmeshError('MEDIA_INVALID', 'there are no scenes to join');
    const output = join(directory, 'thumbnail.jpg');
    const second = first.durationSeconds / 2;
    await artifacts.withFile(first.clip, (file) => media.still({ file, second, output }, run));
    return artifacts.put(output, { contentType: 'image/jpeg' });
  }

  /** The music of the mix: the uploaded file, or the bed. */
  private async musicOf({ music }: StitchRenderBody, uploaded: string | undefined): Promise<Pick<MixInput, 'music'>> {
    if (music === undefined) return {};
    const { bed, volume } = music;
    if (uploaded !== undefined) return { music: { file: uploaded, volume } };
    return bed === undefined ? {} : { music: { file: await this.deps.beds.file(bed), volume, seamless: true } };
  }

  private async withFiles<T>(
    wanted: readonly Artifact[],
    use: (paths: string[]) => Promise<T>,
    opened: string[] = [],
  ): Promise<T> {
    const next = wanted[opened.length];
    if (next === undefined) return use(opened);
    return this.deps.artifacts.withFile(next, (path) => this.withFiles(wanted, use, [...opened, path]));
  }
}
