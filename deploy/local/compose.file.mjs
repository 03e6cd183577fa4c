// The generated parts of docker-compose.yml: the settings that it passes to every container, and the services that need nothing
// of their own.

/**
 * The image contains ffmpeg and espeak-ng, no service in a container calls the speech API, a replica has the name of its host, probes run
 * inside the container, and the rest is for the local stack.
 */
export const NOT_IN_CONTAINERS = new Set([
  'FFMPEG_PATH',
  'FFPROBE_PATH',
  'ESPEAK_PATH',
  'SPEECH_API_KEY',
  'OTEL_SERVICE_INSTANCE_ID',
  'HEALTH_HOST',
  'ORPHAN_STOP_SECONDS',
]);

/** The comment that begins the generated settings. They end at the first other line. */
const SETTINGS = /(# npm run docs:generate writes the following lines\..*\n)(?: +[A-Z0-9_]+:\n)*/;
/** The comments around the generated services. */
const SERVICES =
  /( +# npm run docs:generate writes the services below\.[^]*?\n)\n[^]*?( +# The generated services end here\.\n)/;

/** A service that differs from the others in its name alone. One that does a stage handles files. */
const serviceText = (name, { stages }) => `  ${name}:
    <<: *service
    build: { context: ., dockerfile: deploy/Dockerfile, target: actor, args: { SERVICE: ${name} } }
    image: clipmesh/${name}:\${CLIPMESH_TAG:-latest}
    healthcheck: *actor-health
    environment:
      <<: *settings
      OTEL_SERVICE_NAME: ${name}
      HEALTH_PORT: 8081
${stages.length === 0 ? '' : '    volumes: [artifacts:/artifacts]\n'}    deploy: { resources: { limits: { cpus: ${stages.length === 0 ? "'1', memory: 512M" : "'2', memory: 2G"} } } }
`;

/** Fills in the settings and the services (a table by name) that the file does not define itself. */
export function fillCompose(text, settings, services) {
  return fillServices(fillSettings(text, settings), services);
}

function fillSettings(text, settings) {
  const own = text.replace(SETTINGS, '');
  const isOwn = ({ variable }) => new RegExp(`^ +${variable}:`, 'm').test(own);
  const passed = settings.filter((setting) => !NOT_IN_CONTAINERS.has(setting.variable) && !isOwn(setting));
  const secret = passed.find((setting) => setting.secret);
  if (secret !== undefined)
    throw new Error(`${secret.variable} is a secret: write it under the services of docker-compose.yml that need it`);
  return text.replace(SETTINGS, (_, comment) => comment + passed.map(({ variable }) => `  ${variable}:\n`).join(''));
}

function fillServices(text, services) {
  const own = text.replace(SERVICES, '');
  const missing = Object.entries(services).filter(([name]) => !new RegExp(`^  ${name}:$`, 'm').test(own));
  return text.replace(
    SERVICES,
    (_, start, end) => `${start}\n${missing.map(([name, spec]) => `${serviceText(name, spec)}\n`).join('')}${end}`,
  );
}
