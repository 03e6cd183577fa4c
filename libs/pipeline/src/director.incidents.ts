import { type GenerationState, type Incident } from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';

/** Incidents kept per generation; what comes later is in the events and the log alone. */
const MOST = 100;

/** What an event says that did not go as planned; undefined when all is well. */
function incidentOf({ id, name, body }: DirectorEvent): Incident | undefined {
  const base = { id, at: body.at };
  switch (name) {
    case 'work.retried':
    case 'plan.failed':
    case 'clip.failed':
    case 'overlay.failed':
    case 'stitch.failed': {
      const { code, stage, scene, model } = body.failure;
      return {
        ...base,
        kind: name === 'work.retried' ? 'retried' : 'failed',
        code,
        stage,
        ...(scene === undefined ? {} : { scene }),
        ...(model === undefined ? {} : { model }),
      };
    }
    case 'stall.noticed':
      return { ...base, kind: 'stalled' };
    // The status tells of a cancel, the run of a retry.
    case 'cancel.requested':
    case 'retry.requested':
    case 'scene.reopened':
    case 'plan.started':
    case 'plan.written':
    case 'plan.approved':
    case 'plan.abandoned':
    case 'clip.generated':
    case 'clip.abandoned':
    case 'overlay.applied':
    case 'video.stitched':
    case 'generation.progressed':
    case 'generation.succeeded':
    case 'generation.failed':
    case 'generation.canceled':
      return undefined;
  }
}

/** Notes the event's incident, once however often the event is told. */
export function noted(state: GenerationState, event: DirectorEvent): GenerationState {
  const incident = incidentOf(event);
  if (incident === undefined || state.incidents.length >= MOST) return state;
  if (state.incidents.some(({ id }) => id === event.id)) return state;
  return { ...state, incidents: [...state.incidents, incident] };
}
