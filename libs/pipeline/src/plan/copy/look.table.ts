import { type MusicMood } from '@clipmesh/contracts';

/** The look of a video: what all clips share. */
export interface Look {
  readonly style: string;
  readonly palette: string;
  readonly lighting: string;
  readonly mood: string;
  readonly music: MusicMood;
}

const look = (style: string, palette: string, lighting: string, mood: string, music: MusicMood): Look => ({
  ...{ style, palette, lighting, mood, music },
});

/** Looks by the words of a prompt. The look with the most words wins, the first one of several. */
export const LOOKS: readonly { readonly words: RegExp; readonly look: Look }[] = [
  {
    words: /\b(?:coffee|espresso|latte|caf[eé]|bakery|bread|chocolate|cocoa|cookies?|cinnamon|barista|brews?)\b/giu,
    look: look(
      'warm lifestyle photography',
      'espresso brown, caramel, cream',
      'soft morning light through a window',
      'cosy and inviting',
      'warm',
    ),
  },
  {
    words:
      /\b(?:teas?|skin|skincare|serum|spa|yoga|meditat\w+|sleep\w*|candles?|lavender|wellness|soap|calm\w*|blankets?|mattress\w*)\b/giu,
    look: look(
      'minimal editorial photography',
      'sage green, oat, soft white',
      'diffused daylight, gentle shadows',
      'calm and pure',
      'calm',
    ),
  },
  {
    words:
      /\b(?:apps?|software|saas|platform|ai|code|coding|cloud|data|api|crm|dashboard|automat\w+|online|startups?|digital|developers?)\b/giu,
    look: look(
      'sleek technology commercial',
      'midnight blue, electric cyan, violet',
      'cool rim light with soft glows',
      'focused and confident',
      'upbeat',
    ),
  },
  {
    words:
      /\b(?:runn\w+|shoes?|fitness|gym|sports?|workout|protein|cycling|bikes?|athletes?|training|marathon|energy)\b/giu,
    look: look(
      'dynamic sports commercial',
      'charcoal, signal orange, white',
      'hard contrast light',
      'powerful and driven',
      'epic',
    ),
  },
  {
    words:
      /\b(?:kids?|child(?:ren)?|toys?|pupp(?:y|ies)|dogs?|cats?|pets?|bab(?:y|ies)|toddlers?|playful|candy|ice cream|party|fun(?:ny)?)\b/giu,
    look: look(
      'bright playful studio',
      'sunny yellow, coral, sky blue',
      'even, cheerful studio light',
      'joyful and lively',
      'playful',
    ),
  },
  {
    words:
      /\b(?:luxur\w+|perfumes?|watch(?:es)?|jewel\w+|diamonds?|rings?|gold|elegan\w+|exclusive|premium|champagne|wine|whisk\w+|mysterious)\b/giu,
    look: look(
      'luxury product photography',
      'black, antique gold, deep burgundy',
      'low-key light with golden reflections',
      'elegant and mysterious',
      'epic',
    ),
  },
  {
    words:
      /\b(?:outdoors?|hik\w+|camp\w+|mountains?|travel\w*|adventures?|forest|tents?|backpacks?|trails?|climb\w*|thermos|explore\w*)\b/giu,
    look: look(
      'outdoor documentary',
      'forest green, slate, sunrise orange',
      'low golden-hour sun',
      'free and adventurous',
      'epic',
    ),
  },
  {
    words:
      /\b(?:pizza|burgers?|restaurants?|food|taco\w*|pasta|grill|bbq|sauce|spic\w+|snacks?|noodles?|kitchen|cook\w*|meals?)\b/giu,
    look: look(
      'appetising food photography',
      'tomato red, mustard, warm white',
      'warm side light with steam',
      'hearty and tempting',
      'upbeat',
    ),
  },
  {
    words:
      /\b(?:juice|lemonade|fruits?|smoothies?|citrus|lemon|oranges?|berr(?:y|ies)|fresh|soda|drinks?|vitamins?|summer|beach)\b/giu,
    look: look(
      'fresh summer commercial',
      'lime green, orange, aqua',
      'bright sun with sparkling highlights',
      'fresh and bubbly',
      'playful',
    ),
  },
  {
    words:
      /\b(?:solar|eco\w*|green|sustainab\w+|recycl\w+|plants?|garden\w*|organic|nature|climate|balcon\w+|flowers?|vegan)\b/giu,
    look: look(
      'natural lifestyle photography',
      'leaf green, sunflower yellow, cream',
      'clear afternoon sun',
      'hopeful and honest',
      'warm',
    ),
  },
  {
    words:
      /\b(?:bank\w*|insurance|financ\w+|invest\w*|security|secure|alarms?|law(?:yers?)?|legal|tax(?:es)?|invoices?|account\w*|password\w*|locks?)\b/giu,
    look: look(
      'clear corporate commercial',
      'navy, silver, teal',
      'clean office daylight',
      'serious and trustworthy',
      'tense',
    ),
  },
  {
    words:
      /\b(?:dentist\w*|doctors?|health\w*|clinics?|medic\w+|clean\w*|vacuum\w*|laundry|water|hygien\w+|teeth|tooth\w*|air purifier)\b/giu,
    look: look('bright clean commercial', 'mint, white, light blue', 'high-key light', 'clean and reassuring', 'calm'),
  },
  {
    words:
      /\b(?:fashion|dress\w*|cloth\w+|makeup|lipstick|beauty|hair|bags?|sunglasses|sneakers?|jeans|jackets?|wedding\w*|roses?)\b/giu,
    look: look(
      'fashion editorial',
      'blush pink, plum, ivory',
      'soft beauty light',
      'stylish and self-assured',
      'upbeat',
    ),
  },
  {
    words:
      /\b(?:games?|gam(?:er|ing)\w*|music|headphones?|earbuds?|speakers?|guitar\w*|night\w*|neon|clubs?|streaming|concerts?|cinema)\b/giu,
    look: look(
      'neon night photography',
      'ultraviolet, magenta, ink black',
      'neon light in the dark',
      'electric and bold',
      'upbeat',
    ),
  },
  {
    words:
      /\b(?:cars?|suvs?|electric|vehicles?|motor\w*|engine|drive\w*|racing|robots?|drones?|steel|tools?|drills?|machines?)\b/giu,
    look: look(
      'precise engineering commercial',
      'graphite, ice blue, racing red',
      'long studio reflections',
      'strong and precise',
      'epic',
    ),
  },
  {
    words:
      /\b(?:home|house|family|famil(?:y|ies)|parents?|moms?|grand\w+|living room|furniture|sofas?|lamps?|wool|wood\w*|hand-?made|kettles?|pottery)\b/giu,
    look: look(
      'homely lifestyle photography',
      'terracotta, sand, olive',
      'warm evening light',
      'homely and kind',
      'warm',
    ),
  },
];

/** Looks for prompts without such words. */
export const PLAIN_LOOKS: readonly Look[] = [
  look('clean commercial photography', 'teal, warm orange, cream', 'soft daylight', 'optimistic', 'upbeat'),
  look('cinematic realism', 'deep blue, gold, sand', 'low golden-hour sun', 'confident', 'warm'),
  look('bright studio look', 'white, coral, lavender', 'even studio light', 'playful', 'playful'),
  look('modern graphic design', 'indigo, peach, mint', 'soft gradients of light', 'fresh and curious', 'upbeat'),
];
