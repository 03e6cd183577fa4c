export { Media } from './media.js';
export { openEspeak, openMedia } from './media.settings.js';
export { BedFiles } from './beds/bed.files.js';
export type * from './commands/media.types.js';
export { type Probe } from './verify/probe.parse.js';
export { bestThumbnail } from './thumbnails/thumbnail.args.js';
export { ProcessError } from './ffmpeg/process.outcome.js';
export { Espeak, type EspeakInput, type EspeakOptions, INSTALL_ESPEAK } from './speech/espeak.js';
