import { type ServiceRuntime } from '@clipmesh/messaging';
import { openKvStores } from '@clipmesh/persistence';
import { type DynamicModule, Module } from '@nestjs/common';
import { COST_PARTS, CostActor } from './cost.actor.js';

@Module({})
class CostModule {}

export async function costModule({ config, connection, logger }: ServiceRuntime): Promise<DynamicModule> {
  const { ledger, generations } = await openKvStores(connection, { replicas: config.natsReplicas });
  return {
    module: CostModule,
    controllers: [CostActor],
    providers: [{ provide: COST_PARTS, useValue: { ledger, generations, logger } }],
  };
}
