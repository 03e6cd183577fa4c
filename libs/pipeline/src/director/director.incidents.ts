import { type GenerationState, type Incident } from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';

/** Maximum incidents per generation. Later ones are only in the events and the log. */
const MAX_INCIDENTS = 100;

/** The incident that an event reports; undefined when there is none. */
function incidentOf({ id, name, body }: DirectorEvent): Incident | undefined {
  const base = { id, at: body.at };
  if (name === 'stall.noticed') return { ...base, kind: 'stalled' };
  // The failure of a generation repeats one that is already an incident.
  if (name === 'generation.failed' || !('failure' in body)) return undefined;
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

/** Records the models that a decision skipped. */
export function withSkipped(state: GenerationState, skipped: readonly Incident[]): GenerationState {
  const fresh = skipped.filter(({ id }) => state.incidents.every((known) => known.id !== id));
  if (fresh.length === 0) return state;
  return { ...state, incidents: [...state.incidents, ...fresh].slice(0, MAX_INCIDENTS) };
}

/** Records the event's incident, once per event id. */
export function withIncident(state: GenerationState, event: DirectorEvent): GenerationState {
  const incident = incidentOf(event);
  if (incident === undefined || state.incidents.length >= MAX_INCIDENTS) return state;
  if (state.incidents.some(({ id }) => id === event.id)) return state;
  return { ...state, incidents: [...state.incidents, incident] };
}
