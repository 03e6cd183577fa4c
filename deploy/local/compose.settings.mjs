// The settings that docker-compose.yml passes to every container, from the one table of settings.

/** The image contains ffmpeg, a replica has the name of its host, probes run inside the container, and the rest is for the local stack. */
export const NOT_IN_CONTAINERS = new Set([
  'FFMPEG_PATH',
  'FFPROBE_PATH',
  'OTEL_SERVICE_INSTANCE_ID',
  'HEALTH_HOST',
  'ORPHAN_STOP_SECONDS',
]);

/** The comment that begins the generated lines. They end at the first other line. */
const GENERATED = /(# npm run docs:generate writes the following lines\..*\n)(?: +[A-Z0-9_]+:\n)*/;

export function fillCompose(text, settings) {
  const own = text.replace(GENERATED, '');
  const isOwn = ({ variable }) => new RegExp(`^ +${variable}:`, 'm').test(own);
  const passed = settings.filter((setting) => !NOT_IN_CONTAINERS.has(setting.variable) && !isOwn(setting));
  const secret = passed.find((setting) => setting.secret);
  if (secret !== undefined)
    throw new Error(`${secret.variable} is a secret: write it under the services of docker-compose.yml that need it`);
  return text.replace(GENERATED, (_, comment) => comment + passed.map(({ variable }) => `  ${variable}:\n`).join(''));
}
