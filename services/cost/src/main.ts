import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { costService } from './cost.service.js';

await runActorService(costService);
