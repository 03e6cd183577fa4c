import { type Framework, type Job, SCENE_COUNT, SCENE_SECONDS } from './job.js';
import { type Plan } from './plan.js';

/** The steps of a framework, in order. */
export const FRAMEWORK_ROLES: Readonly<Record<Framework, readonly string[]>> = {
  PAS: ['problem', 'agitate', 'solution'],
  BAB: ['before', 'after', 'bridge'],
  AIDA: ['attention', 'interest', 'desire', 'action'],
};

/** AIDA from 12 s on (four scenes of 3 s), PAS below. */
function chooseFramework(durationSeconds: number, requested?: Framework): Framework {
  return requested ?? (durationSeconds >= 4 * SCENE_SECONDS.min ? 'AIDA' : 'PAS');
}

/** The nearest count to the requested one that scenes of 3-7 s can fill. Default: as many as the framework has steps. */
function chooseSceneCount(durationSeconds: number, framework: Framework, asked?: number): number {
  const least = Math.ceil(durationSeconds / SCENE_SECONDS.max);
  const most = Math.min(SCENE_COUNT.max, Math.floor(durationSeconds / SCENE_SECONDS.min));
  return Math.min(Math.max(asked ?? FRAMEWORK_ROLES[framework].length, least), most);
}

/** The framework and the number of scenes of a plan for this job. */
export function planShape(job: Pick<Job, 'durationSeconds' | 'framework' | 'sceneCount'>): {
  framework: Plan['framework'];
  sceneCount: number;
} {
  const framework = chooseFramework(job.durationSeconds, job.framework);
  return { framework, sceneCount: chooseSceneCount(job.durationSeconds, framework, job.sceneCount) };
}
