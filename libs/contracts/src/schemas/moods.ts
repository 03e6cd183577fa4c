/** Moods of music. Each has a bed. */
export const MUSIC_MOODS = ['upbeat', 'warm', 'calm', 'epic', 'tense', 'playful'] as const;
export type MusicMood = (typeof MUSIC_MOODS)[number];
