"""Every word that the parser knows. Data only; grow it here.

Tables map a canonical word to the words that mean it, separated by spaces; two words joined by "_"
are said one after the other. Inflected forms (plurals, -ing, -ed, -er, -est, -ish) are derived.
"""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    """Words as they are said."""
    return frozenset(word.replace("_", " ") for word in words.split())


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {word: value for value, words in table.items() for word in words.split()}


# The eleven basic colour terms of English (Berlin and Kay, 1969), which `scene.colour` measures. A word
# whose colour lies between terms lists all that may be seen. Bare metals ("steel") mirror what is around them
# and are no colours, but materials.
COLOURS: dict[str, str] = {
    "black": "black ebony jet_black ink inky",
    "white": "white snowy ivory snow_white light_coloured light_colored",
    "grey": "grey gray charcoal slate ash ashen graphite",
    "grey white": "silver silvery",
    "red": "red crimson scarlet ruby cherry vermilion",
    "red brown": "maroon burgundy rust rusty auburn ginger russet",
    "orange": "orange amber tangerine apricot",
    "orange pink": "peach coral salmon",
    "yellow": "yellow lemon mustard",
    "yellow orange brown": "gold golden golden_yellow",
    "yellow brown white": "blonde blond cream creamy beige sandy sand khaki straw",
    "green": "green olive lime emerald mint jade lime_green forest_green neon_green",
    "green blue": "teal turquoise cyan aqua aquamarine blue_green",
    "blue": "blue navy azure cobalt indigo sapphire denim navy_blue sky_blue royal_blue baby_blue",
    "purple": "purple violet lilac lavender mauve plum",
    "pink purple red": "magenta fuchsia",
    "pink": "pink rose rosy hot_pink",
    "brown": "brown chocolate coffee_coloured bronze copper chestnut hazel brunette",
    "brown yellow": "tan tanned caramel fawn camel_coloured",
}
# What else a camera may make of a colour: shade turns white into grey, sun turns brown into yellow.
COLOUR_NEIGHBOURS: dict[str, str] = {
    "black": "grey brown",
    "white": "grey",
    "grey": "white black blue",
    "red": "pink orange brown",
    "orange": "red yellow brown",
    "yellow": "orange brown white",
    "green": "yellow blue",
    "blue": "purple grey green",
    "purple": "blue pink",
    "pink": "red purple",
    "brown": "orange yellow red black grey",
}
# Shades that lie in a colour word itself.
IMPLIED_SHADES = _by_word(
    {
        "dark": "navy navy_blue maroon burgundy charcoal indigo crimson forest_green ebony chestnut",
        "light": "beige cream creamy sky_blue baby_blue lavender lilac peach blonde blond silver mint",
        "bright": "lime neon_green hot_pink scarlet lime_green",
    }
)
SHADES: dict[str, str] = {
    "dark": "dark deep darkish darker darkest",
    "light": "light pale pastel lightish faded lighter lightest",
    "bright": "bright vivid neon fluorescent brilliant saturated brighter brightest",
}
# What a shade says when no colour follows it: "the darker cup".
SHADE_COLOURS: dict[str, str] = {"dark": "black", "light": "white", "bright": "white"}

SIZES: dict[str, str] = {
    "big": "big large huge giant enormous massive gigantic",
    "small": "small tiny little mini miniature minuscule",
}
SHAPES: dict[str, str] = {
    "round": "round circular spherical ball_shaped oval",
    "tall": "tall high upright vertical",
    "short": "short low",
    "long": "long elongated lengthy stretched",
    "wide": "wide broad horizontal",
    "fat": "fat thick chubby bulky stout heavy",
    "thin": "thin slim slender narrow skinny lean",
    "square": "square rectangular boxy cubic box_shaped",
    "flat": "flat",
}
POSITIONS: dict[str, str] = {
    "left": "left lefthand",
    "right": "right righthand",
    "top": "top upper uppermost topmost",
    "bottom": "bottom lower lowest bottommost lowermost",
    "centre": "centre center middle central centered centred mid",
    "front": "front foreground foremost frontmost nearby closer nearer",
    "back": "back background rear distant far_away far_off further_away farther_away backmost"
    " rearmost further farther",
    "corner": "corner",
    "edge": "edge border margin",
}
POSITION_SUPERLATIVES: dict[str, str] = {
    "left": "leftmost left_most furthest_left farthest_left most_left outermost_left",
    "right": "rightmost right_most furthest_right farthest_right most_right",
    "top": "topmost uppermost top_most highest",
    "bottom": "bottommost lowermost lowest bottom_most",
    "front": "foremost frontmost front_most nearest closest",
    "back": "rearmost backmost furthest farthest back_most furthest_away farthest_away",
    "centre": "centremost middlemost",
}
# "the far side of" and the like: what may follow a side.
SIDE_NOUNS = _set(
    "side hand corner edge part half end area portion region third quarter section place position most"
)
FRAME_WORDS = _set(
    "picture image frame video screen scene shot view clip footage photo camera lens viewer us"
)

MOTIONS: dict[str, str] = {
    "moving": "move go travel proceed advance motion animate mobile active head shift come",
    "still": "still stationary park motionless immobile static unmoving freeze pause halt stagnant"
    " standstill",
    "standing": "stand wait stay remain idle hover",
    "resting": "rest sit lie sleep sit_down lie_down perch seat",
    "stops": "stop",
    "starts": "start begin",
    "left": "leftward leftwards",
    "right": "rightward rightwards",
    "up": "rise climb ascend upward upwards up lift take_off jump_up",
    "rising": "stand_up get_up",
    "down": "climb_down descend downward downwards down sink lower land",
    "towards": "approach come_closer get_closer move_closer come_nearer get_nearer move_nearer"
    " from_far_to_near",
    "away": "depart retreat recede away from_near_to_far",
    "fast": "fast quick rapid swift speed race hurry rush quickly rapidly swiftly sprint dash fast_moving"
    " high_speed at_speed",
    "slow": "slow slowly crawl creep gently lazily slow_moving",
    "jumping": "jump_up_and_down dive jump leap hop vault bounce skip flip somersault",
    "spinning": "roll_over spin turn rotate twirl whirl revolve pirouette circle swirl twist roll",
    "running": "run jog gallop trot chase",
    "walking": "walk stroll wander pace march step amble",
    "dancing": "dance perform sway",
    "swinging": "swing wave shake wag oscillate rock flap back_and_forth up_and_down side_to_side"
    " from_side_to_side to_and_fro",
    "drifting": "drift slide skid glide float",
    "driving": "drive ride skate ski surf cycle snowboard skateboard bike swim fly sail row",
    "falling": "fall_over tip_over fall drop tumble collapse plunge",
    "crossing": "cross pass traverse",
    "enters": "come_in come_out enter appear arrive emerge",
    "leaves": "leave exit disappear vanish",
    "hidden": "hide cover occlude conceal hidden obscure",
    "together": "together side_by_side in_a_line in_a_row next_to_each_other"
    " each_other one_another with_each_other to_each_other",
}
STAYING = ("still", "standing", "resting")
"""Motions of what stays where it is."""
# Motion words that have no other forms.
PARTICLES = _set("up down away upward upwards downward downwards leftward leftwards rightward rightwards")
# Motion words that are adjectives as they stand.
MOTION_ADJECTIVES = _set(
    "fast quick rapid swift slow still stationary motionless immobile static idle unmoving mobile"
    " active hidden animate stagnant"
)
# Doings that no rule here measures.
ACTIONS = _set(
    "win lose score celebrate finish bend_over bend_down help steal wake_up blow eat drink talk speak"
    " sing play cook look watch smile laugh cry read write hold carry wear push pull throw catch kick hit"
    " bark meow graze feed wash paint draw pour stir point face sniff lick bite clap kiss hug fight train"
    " practise practice exercise work use open close bend lean stretch grab pick put place take give hand"
    " touch fish shoot film record follow lead block chew scratch pet balance show make try overtake"
    " outrun attack hunt bring drag tow pass raise toss juggle dribble serve strike punch swat dig build"
    " cut chop peel shovel sweep wipe clean brush comb groom cuddle stroke nurse milk load unload repair"
    " fix type call text kneel squat crouch lunge yawn sneeze nod greet meet visit guard aim wrestle"
    " tackle dodge escape flee steer paddle pedal inspect examine check peck nibble gnaw swallow bathe"
    " splash roar howl fetch collect gather deliver belong contain put_on pick_up push_ups pull_ups sit_ups"
    " press_ups chin_ups"
)
# Doings that name as well what is made by them, as "painting" does.
MADE = _set("filling wrapping carving knitting stitching wiring icing frosting topping marking packaging")
# Doings towards a second thing, and where that thing then is.
VERB_RELATIONS = _by_word(
    {
        "on": "ride mount drive straddle sit",
        "with": "hold carry push pull throw catch kick hit touch grab hug lead walk pet feed use play"
        " lift grip hand toss juggle dribble drag tow pick pick_up groom stroke cuddle wrestle fight",
        "behind": "follow chase",
        "near": "face watch lick sniff eat drink pass overtake attack hunt",
    }
)
# Verbs that stand as they are where other verbs are bent ("the grass cut short"), or name things too seldom.
NEVER_NOUNS = _set(
    "cut hit put shut open set let spread split down up away have slow show turn fall move lower overtake"
    " come go"
)
# Motions that with an object are the object's: "lifts the baby".
MOVES_OTHERS = _set(
    "lift raise drop swing shake wave wag move turn spin roll twist rotate flip rock lower pass take_off"
    " roll_over bounce slide fly"
)
# Doings to another thing even where none is named: "the car that overtakes".
AMONG_OTHERS = _set("overtake follow chase attack lead")
# Doings of which "up" and "down" are a part, and no motion of the thing.
POSES = _set("look glance stare peer gaze face point lean bend stoop squat crouch kneel wake warm")
# Small words between such a verb and its object: "plays with the ball", "looks at the dog".
VERB_PARTICLES = _set("at to with on up for after")

PREPOSITIONS: dict[str, str] = {
    "near": "next_to beside near by close_to alongside adjacent_to around nearby_to at_the_side_of"
    " besides closest_to nearest_to closer_to nearer_to nearest closest",
    "far_from": "far_from away_from far_away_from furthest_from farthest_from",
    "behind": "behind in_back_of",
    "in_front_of": "in_front_of in_the_front_of at_the_front_of ahead_of before",
    "above": "above over",
    "below": "below under underneath beneath",
    "on": "on on_top_of atop upon onto",
    "inside": "in inside within into inside_of",
    "between": "between in_between amid among",
    "with": "with together_with along_with accompanied_by",
}
# Prepositions that say where something happens; their objects are looked at as "near".
PLACE_PREPOSITIONS = _set(
    "outside across through along past at against off out from for during about via over_to out_of toward"
    " towards to up_to after down up throughout"
)

# Said of what moves they tell its way, not only where it is: "past the others".
PATHS = _set("past through along across around over")

# Words with another reading in these tables that name things too; all other nouns are in the vocabulary.
ALSO_NOUNS = _set(
    "race match leaf leaves couple nurse guard groom comb brush milk splash one ones region area part"
    " dancer rider skater skier snowboarder surfer driver runner jogger walker skateboarder biker swimmer"
    " performer police cook waiter crowd climber hand head face fish pet train bike skateboard snowboard"
    " ski stroller circle square glass can sink paper track sand park crossing step light corner dress"
    " jumper clothes clothing mask top individual sprinter cleaner traveller traveler viewer rower herd"
    " flock racer glider toy tumbler seat mobile remote freezer dryer watch camera picture painting photo"
    " iron lighter drink orange tangerine chocolate rose sail lead skate bend straw land wave rock slide"
    " cross line oval fly salmon lemon apricot cherry olive peach plum coral lavender lilac swing drum fan"
    " bow ring star bark screen hoop plastic flipper bottom saddle team family audience frame lens lime fawn"
    " cream pile heap stack"
)
# Garments and body parts that cover little of who wears them.
SMALL_PARTS = _set(
    "hair beard moustache hat cap helmet shoe boot glove scarf tie belt mask goggles glasses sunglasses sock"
    " collar ear tail paw stripe headband sneaker sandal face hand"
)
GROUPS = _set(
    "group pair couple set bunch crowd herd flock pack row line team lot number trio duo family stack pile"
    " heap bundle"
)
# What is looked for is what they are of: "a patch of grass".
PORTIONS = _set(
    "piece part half end side strip patch stretch expanse bit chunk lump clump tuft slice sliver blob drop"
    " loaf mound plume puff cloud"
)
# Nouns in the singular that mean several, and how many if that is told.
COLLECTIVES = {
    **dict.fromkeys(
        ("crowd", "audience", "team", "family", "gang", "choir", "band", "orchestra", "crew"), None
    ),
    **dict.fromkeys(("queue", "army", "troop", "herd", "flock", "traffic", "livestock", "cattle"), None),
    **{"couple": 2, "duo": 2, "trio": 3},
}

CARDINALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ORDINALS = [
    *("zeroth", "first", "second", "third", "fourth"),
    *("fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
]
LAST = "last final"
SECOND_TO_LAST = "second_to_last second_last second_from_last next_to_last penultimate"
ALL = _set("all both every each everyone everybody")
SEVERAL = _set("some many several few most")  # of them
NEGATIONS = _set(
    "not no_longer no never without neither nor non except excluding hardly lacking except_for other_than"
    " apart_from instead_of rather_than"
)
DETERMINERS = _set(
    "several many few multiple various numerous either a an the this these those some any its his her"
    " their my your our another such said"
)
PRONOUNS = _set("he she it they him them himself herself itself themselves")
BE = _set(
    "is are was were be being been am has have had having do does did doing done will would can could"
    " gets seems"
)
RELATIVES = _set("that which who whom whose where while when as")
CONJUNCTIONS = _set("and or but & plus + / , ;")
THEN = _set("then and_then afterwards finally eventually later next until till after_that subsequently")
DEGREES = {"superlative": "most", "comparative": "more further farther", "least": "least", "less": "less"}
INTENSIFIERS = _set(
    "very really extremely quite rather pretty somewhat slightly far extreme so too just only also mostly"
    " completely entirely fully partly almost nearly clearly always constantly continuously"
    " the_whole_time all_the_time directly immediate immediately multi much bit brightly coloured colored"
    " colour color colours colors hue tone kind sort little_bit currently again mainly ever at_first"
)
FILLERS = _set(
    "please segment find show track mask highlight select detect locate get give me where is are which i"
    " want to see need look for point at what there can you could identify mark outline us tell"
)
# Words that ask for something only where they open a sentence: "cut out the girl".
REQUESTS = _set(
    "am looking let know remove delete cut crop extract pick out choose follow return provide generate draw"
    " label pls plz thanks hi hello hey ok okay just now to me"
)
# Slips that are words of their own, but hardly ever meant.
SLIPS = {"sliver": "silver"}
WEARING = _set("wear dress clothe clad dressed sport sporting")
PATTERNED = _set("striped spotted dotted patterned chequered checkered multicoloured multicolored")
MATERIALS = _set(
    "left_behind cross_legged wooden metal metallic chrome steel iron pewter platinum plastic glass"
    " leather ceramic paper feathered feathery furry fluffy hairy shiny young old new elderly fancy broken"
    " empty full open closed dirty clean wet dry hot cold soft hard beautiful pretty cute nice ugly strong"
    " happy sad angry wild domestic pregnant bald bearded sports sport police main primary certain single"
    " individual remaining other same different upside barefoot shirtless topless barefooted shoeless hatless"
    " bareheaded naked colourful colorful visible forward forwards backward backwards straight curved"
    " professional fallen lit twice once suddenly one_after_another one_after_the_other one_by_one"
    " turned_off turned_on switched_off switched_on covered_in covered_with"
    " toy electric modern vintage military remote"
)

# Adjectives of persons that say what they have not on or not at all.
LACKS = {
    "shirtless": "shirt",
    "topless": "shirt",
    "barefoot": "shoe",
    "barefooted": "shoe",
    "shoeless": "shoe",
    "hatless": "hat",
    "bareheaded": "hat",
    "bald": "hair",
    "naked": "clothes",
}

# What a noun's class, or a noun itself, usually looks like: weak evidence. Few on purpose; each holds for
# most things of its class seen from the side. Skin of any tone lies between these colour terms.
PRIORS: dict[str, tuple[tuple[str, str], ...]] = {
    "person": (("shape", "tall"),),
    "animal": (("shape", "not tall"),),
    "vehicle": (("shape", "not tall"),),
    "ball": (("shape", "round"),),
    **dict.fromkeys(("hand", "arm", "leg", "foot", "face", "finger"), (("colour", "brown pink orange"),)),
}
