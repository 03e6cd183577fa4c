import { type OutputForm } from '../control/answer.forms.js';

/** The output of a succeeded prediction. `url` and `dataUrl` are URLs of its clip. */
export function outputOf(form: OutputForm, url: string, dataUrl: string): unknown {
  switch (form) {
    case 'url':
      return url;
    case 'array':
      return [url];
    case 'object':
      return { video: url };
    case 'nested':
      return { video: { url, content_type: 'video/mp4' }, seed: 7 };
    case 'files':
      return [url.replace(/\.mp4$/, '.jpg'), url.replace(/\.mp4$/, '.gif'), url];
    case 'data':
      return dataUrl;
    case 'null':
      return null;
    case 'empty':
      return [];
    case 'text':
      return 'The video is ready.';
  }
}

/** A clip as a data URL whose type has parameters. */
export const dataUrlOf = (clip: Buffer): string =>
  `data:video/mp4;codecs="avc1.42E01E, mp4a.40.2";base64,${clip.toString('base64')}`;
