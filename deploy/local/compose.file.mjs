// The generated parts of docker-compose.yml: the settings that it passes to every container and to single ones, the sandbox in place
// of providers without a token, and the services that need nothing of their own.

/** The comment that begins the generated settings. They end at the first other line. */
const SETTINGS = /(# npm run docs:generate writes the following lines\..*\n)(?: +[A-Z0-9_]+:\n)*/;
/** The comment that begins the settings of one service. */
const OWN_SETTINGS_COMMENT = '      # npm run docs:generate writes the settings of this service below.\n';
/** The comment, and these settings. */
const OWN_SETTINGS = /( +# npm run docs:generate writes the settings of this service below\.\n)(?: +[A-Z0-9_]+:\n)*/g;
/** The comments around the generated lines of the entrypoint. */
const ENTRYPOINT =
  /( +)(# npm run docs:generate writes the lines below\.\n)[^]*?( +# The generated lines end here\.\n)/;
/** The comments around the generated services. */
const SERVICES =
  /( +# npm run docs:generate writes the services below\.[^]*?\n)\n[^]*?( +# The generated services end here\.\n)/;

/** A service that differs from the others in its name and settings alone. One that does a stage handles files. */
const serviceText = (name, { stages }, settings) => `  ${name}:
    <<: *service
    build: { context: ., dockerfile: deploy/Dockerfile, target: actor, args: { SERVICE: ${name} } }
    image: clipmesh/${name}:\${CLIPMESH_TAG:-latest}
    healthcheck: *actor-health
    environment:
      <<: *settings
      OTEL_SERVICE_NAME: ${name}
      HEALTH_PORT: 8081
${settings.some(({ services }) => services?.includes(name)) ? OWN_SETTINGS_COMMENT : ''}${stages.length === 0 ? '' : '    volumes: [artifacts:/artifacts]\n'}    deploy: { resources: { limits: { cpus: ${stages.length === 0 ? "'1', memory: 512M" : "'2', memory: 2G"} } } }
`;

/** Fills in what the file does not define itself. */
export function fillCompose(text, { settings, sandboxed, services }) {
  return fillEntrypoint(
    fillOwnSettings(fillServices(fillSettings(text, settings), services, settings), settings),
    sandboxed,
  );
}

const linesOf = (indent, settings) => settings.map(({ variable }) => `${indent}${variable}:\n`).join('');

/** Whether the hand-written part of the file has this setting. */
function isWritten(text, { variable }) {
  const own = text.replace(SETTINGS, '').replace(OWN_SETTINGS, '');
  return new RegExp(`^ +${variable}:`, 'm').test(own);
}

function fillSettings(text, settings) {
  const passed = settings.filter((setting) => setting.services === undefined && !isWritten(text, setting));
  const secret = passed.find((setting) => setting.secret);
  if (secret !== undefined)
    throw new Error(`${secret.variable} is a secret: name the services that need it in its setting`);
  return text.replace(SETTINGS, (_, comment) => comment + linesOf('  ', passed));
}

/** The service in whose definition a position of the text is. */
const serviceAt = (text, at) => [...text.slice(0, at).matchAll(/^ {2}(\S+):$/gm)].at(-1)?.[1];

function fillOwnSettings(text, settings) {
  const own = settings.filter((setting) => setting.services !== undefined && !isWritten(text, setting));
  const filled = new Set();
  const result = text.replace(OWN_SETTINGS, (_, comment, at) => {
    const name = serviceAt(text, at);
    filled.add(name);
    return (
      comment +
      linesOf(
        '      ',
        own.filter(({ services }) => services.includes(name)),
      )
    );
  });
  for (const { variable, services } of own)
    for (const name of services)
      if (!filled.has(name))
        throw new Error(`${variable} is a setting of ${name}, which has no generated settings in docker-compose.yml`);
  return result;
}

/** `sandboxed`: by the variable of a token, the variables that are exported while it is unset. */
function fillEntrypoint(text, sandboxed) {
  const lines = Object.entries(sandboxed).map(([token, variables]) => {
    const exports = Object.entries(variables).map(([variable, value]) => `${variable}=${value}`);
    return 'if [ -z "$${' + token + `:-}" ]; then export ${exports.join(' ')}; fi\n`;
  });
  return text.replace(
    ENTRYPOINT,
    (_, indent, start, end) => indent + start + lines.map((line) => indent + line).join('') + end,
  );
}

function fillServices(text, services, settings) {
  const own = text.replace(SERVICES, '');
  const missing = Object.entries(services).filter(([name]) => !new RegExp(`^  ${name}:$`, 'm').test(own));
  return text.replace(
    SERVICES,
    (_, start, end) =>
      `${start}\n${missing.map(([name, spec]) => `${serviceText(name, spec, settings)}\n`).join('')}${end}`,
  );
}
