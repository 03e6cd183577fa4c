import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { clipGeneratorService } from './clip-generator.service.js';

await runActorService(clipGeneratorService);
