/** How often ffmpeg could not decode a stream of a clip. */
export interface DecodeErrors {
  readonly picture: number;
  readonly sound: number;
}
/** The streams of a clip that are decoded, by their numbers in the file. */
export interface DecodedStreams {
  readonly video: number;
  readonly audio: number | undefined;
}

/** Lines that name a stream: of ffmpeg 5 and 6, and of ffmpeg 7 and newer. */
const OF_STREAM: readonly RegExp[] = [
  /error while decoding stream #0:(\d+)/iu,
  /corrupt (?:decoded frame|input packet) in stream (\d+)/iu,
  /\[[av]ist#0:(\d+)\/[^\]]*\].*(?:error submitting|decoding error|corrupt)/iu,
];
/** Lines of decoders that report damage in no other way, and of demuxers at the end of a truncated file. */
const OF_PICTURE = /\[(?:mjpeg|gif)[^\]]*\] \[error\]|ended prematurely|partial file/iu;
/** Longest part of a line that is kept until its end arrives. */
const REST_LIMIT = 4096;

/** Reads the log of an ffmpeg that runs with `-loglevel level+…`, in pieces, and counts the errors of each stream. */
export function decodeErrors({ video, audio }: DecodedStreams): {
  read: (text: string) => void;
  count: () => DecodeErrors;
} {
  let rest = '';
  let picture = 0;
  let sound = 0;
  const readLine = (line: string): void => {
    const stream = OF_STREAM.map((pattern) => pattern.exec(line)?.[1]).find((index) => index !== undefined);
    if (stream === undefined ? OF_PICTURE.test(line) : Number(stream) === video) picture += 1;
    else if (stream !== undefined && Number(stream) === audio) sound += 1;
  };
  return {
    read(text) {
      const lines = (rest + text).split(/[\r\n]+/u);
      rest = (lines.pop() ?? '').slice(-REST_LIMIT);
      lines.forEach(readLine);
    },
    count() {
      readLine(rest);
      rest = '';
      return { picture, sound };
    },
  };
}
