/**
 * The application's events: the type of `data` by event type.
 *
 *     interface Events {
 *       'order.paid': { total: number };
 *       'order.shipped': { carrier: string };
 *     }
 */
export type EventMap<Events> = { readonly [Type in keyof Events]: unknown };

/** What a client receives of an event. */
export interface ReceivedEvent<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly type: Type;
  /** RFC 3339. */
  readonly time: string;
  readonly subject?: string;
  readonly data: Data;
}

type TypeOf<Events> = keyof Events & string;

/** An event type, or the beginning of one followed by `*`. */
export type PatternOf<Events> = TypeOf<Events> | `${string}*`;

type Matching<Events, Pattern extends string> = Pattern extends `${infer Start}*`
  ? string extends TypeOf<Events>
    ? string
    : Extract<TypeOf<Events>, `${Start}${string}`>
  : Pattern;

type EventOfType<Events, Type extends string> = Type extends keyof Events
  ? ReceivedEvent<Type, Events[Type]>
  : ReceivedEvent<Type>;

/** The events that a pattern stands for: a union that `event.type` tells apart. */
export type EventOf<Events, Pattern extends string> = EventOfType<Events, Matching<Events, Pattern>>;

/** What is known of an event besides itself. */
export interface Reception {
  /** The client's position with this event. */
  readonly cursor: string;
  /** Whether it was missed and is now caught up on. */
  readonly replayed: boolean;
}

/** What a handler returns is awaited before the next event, and before the cursor moves. */
export type EventHandler<Event> = (event: Event, reception: Reception) => unknown;
