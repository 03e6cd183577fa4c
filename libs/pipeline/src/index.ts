export { committedBy } from './director/director.budget.js';
export * from './director/director.event.js';
export * from './director/director.js';
export { type RepairedPlan, repairPlan } from './plan/plan.repair.js';
export * from './plan/plan.review.js';
export * from './plan/plan.rules.js';
export * from './plan/plan.writer.js';
export * from './director/progress.js';
export * from './director/scene.regeneration.js';
