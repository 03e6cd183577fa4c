import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { plannerService } from './planner.service.js';

await runActorService(plannerService);
