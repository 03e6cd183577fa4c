// node deploy/local/config-docs.mjs: writes .env.example and the table of docs/configuration.md from the settings.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, settingsTable } from '@clipmesh/config';

const root = join(import.meta.dirname, '..', '..');
writeFileSync(join(root, '.env.example'), envExample());
const page = join(root, 'docs', 'configuration.md');
const text = readFileSync(page, 'utf8');
const table = /(<!-- prettier-ignore-start -->\n)[\s\S]*?(\n?<!-- prettier-ignore-end -->)/;
writeFileSync(page, text.replace(table, (_, start) => `${start}${settingsTable()}<!-- prettier-ignore-end -->`));
