// npm run docs:generate: writes .env.example, the settings and services in docker-compose.yml, the variables that tests run without,
// the references in tsconfig.json, and the tables of settings, messages, models, guarantees and attributes in the docs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, PAID_VARIABLES, sandboxVariablesByToken, SETTINGS, settingsTable } from '@clipmesh/config';
import { messagesTable, SERVICE_TABLE } from '@clipmesh/contracts';
import { guaranteesTable, loadModels, modelsTable } from '@clipmesh/providers';
import { attributesTable } from '@clipmesh/tracing';
import { fillCompose } from './compose.file.mjs';
import { rootProject } from './project.references.mjs';

const root = join(import.meta.dirname, '..', '..');

/** Replaces the n-th generated block of a page. */
function fill(page, ...tables) {
  const path = join(root, 'docs', page);
  const blocks = tables.values();
  const block = /(<!-- prettier-ignore-start -->\n)[\s\S]*?(<!-- prettier-ignore-end -->)/g;
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    text.replace(block, (_, start, end) => `${start}${blocks.next().value.trimEnd()}\n${end}`),
  );
}

writeFileSync(join(root, '.env.example'), envExample());
const compose = join(root, 'docker-compose.yml');
const sandboxed = sandboxVariablesByToken('http://sandbox:9090');
const source = { settings: Object.values(SETTINGS), sandboxed, services: SERVICE_TABLE };
writeFileSync(compose, fillCompose(readFileSync(compose, 'utf8'), source));
const paid = PAID_VARIABLES.map((variable) => `  '${variable}',\n`).join('');
writeFileSync(
  join(import.meta.dirname, 'paid.variables.mjs'),
  `// npm run docs:generate writes this file from the settings with \`paid\`.\nexport const PAID_VARIABLES = [\n${paid}];\n`,
);
writeFileSync(join(root, 'tsconfig.json'), rootProject(root));
fill('configuration.md', settingsTable());
fill('messages.md', messagesTable('command'), messagesTable('event'));
fill('providers.md', modelsTable(await loadModels()), guaranteesTable());
fill('traces.md', attributesTable('own'), attributesTable('conventions'));
