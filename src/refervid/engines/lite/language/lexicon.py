"""Every word that the parser knows. Data only; grow it here.

Tables map a canonical word to the words that mean it, separated by spaces; two words joined by "_"
are said one after the other. Inflected forms (plurals, -ing, -ed, -er, -est, -ish) are derived.
"""

from __future__ import annotations

# The eleven basic colour terms of English (Berlin and Kay, 1969), which `scene.colour` measures. A word
# whose colour lies between terms lists all that may be seen. Bare metals ("steel") mirror what is around them
# and are no colours, but materials.
COLOURS: dict[str, str] = {
    "black": "black ebony jet_black ink inky",
    "white": "white snowy ivory snow_white",
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
IMPLIED_SHADES: dict[str, str] = {
    "dark": "navy navy_blue maroon burgundy charcoal indigo crimson forest_green ebony chestnut",
    "light": "beige cream creamy sky_blue baby_blue lavender lilac peach blonde blond silver mint",
    "bright": "lime neon_green hot_pink scarlet lime_green",
}
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
    "front": "front foreground foremost frontmost nearby",
    "back": "back background rear distant far_away far_off backmost rearmost",
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
SIDE_NOUNS = (
    "side hand corner edge part half end area portion region third quarter section place position most"
)
FRAME_WORDS = "picture image frame video screen scene shot view clip footage photo camera lens viewer us"

MOTIONS: dict[str, str] = {
    "moving": "move go travel proceed advance motion animate mobile active head shift come",
    "still": "still stationary stand park sit lie motionless immobile static unmoving idle rest wait stay"
    " sleep remain perch freeze pause halt seat stagnant standstill hover",
    "stops": "stop",
    "starts": "start begin",
    "left": "leftward leftwards",
    "right": "rightward rightwards",
    "up": "rise climb ascend upward upwards up lift",
    "down": "descend downward downwards down sink lower land",
    "towards": "approach",
    "away": "depart retreat recede away",
    "fast": "fast quick rapid swift speed race hurry rush quickly rapidly swiftly sprint dash fast_moving"
    " high_speed at_speed",
    "slow": "slow slowly crawl creep gently lazily slow_moving",
    "jumping": "jump leap hop vault bounce skip flip somersault",
    "spinning": "spin turn rotate twirl whirl revolve pirouette circle swirl twist roll",
    "running": "run jog gallop trot chase",
    "walking": "walk stroll wander pace march step amble",
    "dancing": "dance perform sway",
    "swinging": "swing wave shake wag oscillate rock flap back_and_forth up_and_down side_to_side"
    " from_side_to_side to_and_fro",
    "drifting": "drift slide skid glide float",
    "driving": "drive ride skate ski surf cycle snowboard skateboard bike swim fly sail row",
    "falling": "fall drop tumble collapse plunge",
    "crossing": "cross pass traverse",
    "enters": "enter appear arrive emerge",
    "leaves": "leave exit disappear vanish",
    "hidden": "hide cover occlude conceal hidden obscure",
    "together": "together",
}
# Motion words that are adjectives as they stand.
MOTION_ADJECTIVES = (
    "fast quick rapid swift slow still stationary motionless immobile static idle unmoving mobile"
    " active hidden animate stagnant high_speed"
)
# Doings that no rule here measures.
ACTIONS = (
    "eat drink talk speak sing play cook look watch smile laugh cry read write hold carry wear push pull"
    " throw catch kick hit bark meow graze feed wash paint draw pour stir point face sniff lick bite clap"
    " kiss hug fight train practise practice exercise work use open close bend lean stretch grab pick"
    " put place take give hand touch fish shoot film record follow lead block chew scratch pet balance"
    " show make try"
)
# Doings towards a second thing, and where that thing then is.
VERB_RELATIONS: dict[str, str] = {
    "on": "ride mount drive straddle",
    "with": "hold carry push pull throw catch kick hit touch grab hug lead walk pet feed use play"
    " lift grip hand",
    "behind": "follow chase",
    "near": "face watch lick sniff eat drink pass",
}

PREPOSITIONS: dict[str, str] = {
    "near": "next_to beside near by close_to alongside adjacent_to around nearby_to at_the_side_of"
    " besides closest_to nearest_to nearest closest",
    "far_from": "far_from away_from far_away_from furthest_from farthest_from",
    "behind": "behind in_back_of at_the_back_of in_the_back_of at_the_rear_of",
    "in_front_of": "in_front_of in_the_front_of at_the_front_of ahead_of before",
    "above": "above over",
    "below": "below under underneath beneath",
    "on": "on on_top_of atop upon onto",
    "inside": "in inside within into inside_of",
    "between": "between in_between amid among",
    "with": "with together_with along_with accompanied_by",
}
# Prepositions that say where something happens; their objects are looked at as "near".
PLACE_PREPOSITIONS = (
    "across through along past at against off from for during about via over_to out_of toward towards to"
    " down up throughout"
)

# Words for the weak priors of a class, and nouns known to be nouns.
NOUNS: dict[str, str] = {
    "thing": "thing object item something one anything everything stuff entity ones region area part shape"
    " target blob whatever",
    "person": "person man woman boy girl guy lady child kid baby toddler human adult gentleman"
    " teenager player dancer rider skater skier snowboarder surfer pedestrian worker driver cyclist runner"
    " jogger walker athlete skateboarder biker motorcyclist gymnast diver swimmer performer acrobat"
    " passenger spectator fellow dude someone somebody police policeman officer soldier chef cook waiter"
    " singer musician drummer guitarist referee goalkeeper teammate friend father mother dad mom brother"
    " sister bride groom couple crowd swordsman fighter wrestler boxer fencer golfer judoka horseman jockey"
    " hiker climber trainer coach instructor male female parkourist",
    "bodypart": "hand arm leg foot head face finger hair tail ear nose eye mouth beard moustache paw wing"
    " beak trunk tusk horn mane belly neck body fur feather skin",
    "animal": "dog cat horse cow sheep goat pig bird duck swan goose chicken hen rooster camel elephant"
    " giraffe zebra bear panda monkey gorilla lion tiger leopard cheetah rabbit hamster mouse rat squirrel"
    " deer fox wolf turtle tortoise lizard snake frog fish shark whale dolphin seal penguin owl eagle parrot"
    " pigeon flamingo mallard puppy kitten calf foal lamb animal pony donkey bull buffalo rhino hippo"
    " crocodile insect bee butterfly spider crab ostrich peacock crane creature pet",
    "vehicle": "car truck bus van lorry taxi cab jeep suv train tram boat ship tank tractor trailer vehicle"
    " sedan hatchback automobile ambulance plane airplane aircraft helicopter minivan pickup racecar roadster"
    " wagon",
    "cycle": "bike bicycle motorbike motorcycle scooter skateboard surfboard snowboard ski kart cart"
    " wheelchair stroller kite sled sledge paraglider parachute",
    "figure": "circle square triangle rectangle disc disk cube sphere star ring dot",
    "ball": "ball football basketball tennisball soccerball volleyball globe marble bubble",
    "ware": "cup mug glass bowl plate bottle kettle pot pan spoon fork knife box bag basket vase bucket can"
    " jar teapot tray dish jug pitcher tin wheel tire tyre",
    "furniture": "table chair sofa couch bed desk shelf lamp door window cupboard bench stool drawer fridge"
    " oven stove sink television tv monitor laptop computer keyboard phone telephone clock book paper pen"
    " pencil",
    "instrument": "guitar violin piano drum cello flute trumpet saxophone accordion harp ukulele bell"
    " microphone speaker",
    "place": "dirt road street track field grass lawn water sea ocean lake river pool beach sand"
    " snow ground floor wall sky room kitchen park forest tree bush fence house building bridge hill"
    " mountain stage court crossing signal traffic_light pavement sidewalk obstacle"
    " shade sunlight sun shadow rail railing stair step kerb curb ramp lane highway garden yard"
    " playground city town zoo farm desert air light lawn slope path"
    " jungle corridor hallway stadium gym ring leaf plant flower pole sign corner",
    "garment": "shirt tshirt t_shirt tee jacket coat dress skirt trousers pants jeans shorts hat cap helmet"
    " shoe boot glove scarf sweater hoodie jumper vest suit uniform jersey sock tie blouse cardigan leggings"
    " swimsuit bikini overall overalls outfit clothes clothing costume robe gown apron mask belt goggles"
    " glasses sunglasses backpack rucksack sweatshirt pullover trainers sneaker sandal hood top tracksuit"
    " collar harness saddle stripe kimono turban headband wig tank_top polo windbreaker raincoat",
}
# Garments and body parts that cover little of who wears them.
SMALL_PARTS = (
    "hair beard moustache hat cap helmet shoe boot glove scarf tie belt mask goggles glasses sunglasses sock"
    " collar ear tail paw stripe headband sneaker sandal face hand"
)
IRREGULAR_PLURALS: dict[str, str] = {
    "people": "person",
    "persons": "person",
    "folks": "person",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "lice": "louse",
    "oxen": "ox",
    "dice": "die",
    "leaves": "leaf",
    "loaves": "loaf",
    "sheaves": "sheaf",
    "hooves": "hoof",
    "scarves": "scarf",
    "halves": "half",
    "calves": "calf",
    "wolves": "wolf",
    "shelves": "shelf",
    "elves": "elf",
    "thieves": "thief",
    "knives": "knife",
    "wives": "wife",
    "lives": "life",
    "cacti": "cactus",
    "fungi": "fungus",
    "octopi": "octopus",
    "hippopotami": "hippopotamus",
    "sheep": "sheep",
    "deer": "deer",
    "fish": "fish",
    "aircraft": "aircraft",
    "skis": "ski",
    "cattle": "cow",
    "police": "police officer",
    "buses": "bus",
    "gases": "gas",
    "geisha": "geisha",
    "teddies": "teddy",
}
# Regular endings and those that compounds keep, the likelier first.
PLURAL_ENDINGS: dict[str, str] = {
    "children": "child",
    "women": "woman",
    "men": "man",
    "feet": "foot",
    "knives": "knife",
    "wives": "wife",
    "shelves": "shelf",
    "ies": "y",
    "s": "",
    "es": "",
    "oes": "o",
}
IRREGULAR_VERBS: dict[str, str] = {
    "ran": "run",
    "went": "go",
    "gone": "go",
    "came": "come",
    "sat": "sit",
    "stood": "stand",
    "lay": "lie",
    "laid": "lie",
    "lying": "lie",
    "laying": "lie",
    "fell": "fall",
    "fallen": "fall",
    "rose": "rise",
    "risen": "rise",
    "flew": "fly",
    "flown": "fly",
    "swam": "swim",
    "drove": "drive",
    "driven": "drive",
    "rode": "ride",
    "ridden": "ride",
    "held": "hold",
    "threw": "throw",
    "thrown": "throw",
    "caught": "catch",
    "wore": "wear",
    "worn": "wear",
    "shook": "shake",
    "swung": "swing",
    "spun": "spin",
    "slid": "slide",
    "sprang": "jump",
    "leapt": "leap",
    "ate": "eat",
    "eaten": "eat",
    "began": "begin",
    "begun": "begin",
    "hid": "hide",
    "slept": "sleep",
    "froze": "freeze",
    "frozen": "freeze",
    "led": "lead",
    "took": "take",
    "taken": "take",
    "left": "leave",
    "sank": "sink",
    "swept": "sweep",
    "crept": "creep",
    "sped": "speed",
}
PLURAL_ONLY = "trousers pants jeans shorts glasses sunglasses goggles clothes overalls leggings trainers"
GROUPS = "group pair couple set bunch crowd herd flock pack row line team lot number trio duo family"

CARDINALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
]
LAST = "last final"
ALL = "all both every each everyone everybody"
NEGATIONS = (
    "not no_longer no never without neither nor non except excluding hardly lacking except_for other_than"
)
DETERMINERS = "a an the this these those some any its his her their my your our another such said"
PRONOUNS = "he she it they him them himself herself itself themselves"
BE = "is are was were be being been am has have had having do does did will would can could gets seems"
RELATIVES = "that which who whom whose where while when as"
CONJUNCTIONS = "and or but & plus / , ;"
THEN = "then and_then afterwards finally eventually later next until till after_that subsequently"
DEGREES = {"superlative": "most", "comparative": "more further farther", "least": "least", "less": "less"}
INTENSIFIERS = (
    "very really extremely quite rather pretty somewhat slightly far extreme so too just only also mostly"
    " completely entirely fully partly almost nearly clearly always constantly continuously"
    " directly immediate immediately multi much bit coloured colored colour color"
    " colours colors hue tone kind sort little_bit currently again mainly ever"
)
FILLERS = (
    "please segment find show track mask highlight select detect locate get give me where is are which i"
    " want to see need look for point at what there can you could identify mark outline us tell"
)
WEARING = "wear dress clothe clad dressed sport sporting"
PATTERNED = "striped spotted dotted patterned chequered checkered multicoloured multicolored"
MATERIALS = (
    "wooden metal metallic chrome steel iron pewter platinum plastic glass leather ceramic paper"
    " feathered feathery furry fluffy hairy"
    " shiny young old new elderly fancy broken empty full open closed dirty clean wet dry hot"
    " cold soft hard beautiful pretty cute nice ugly strong happy sad angry wild domestic pregnant bald"
    " bearded sports sport police main primary certain single individual other same different upside barefoot"
    " shirtless colourful colorful visible forward forwards backward backwards straight"
    " curved professional toy electric modern vintage military remote"
)

# What a noun's class, or a noun itself, usually looks like: weak evidence. Few on purpose; each holds for
# most things of its class seen from the side. Skin of any tone lies between these colour terms.
PRIORS: dict[str, tuple[tuple[str, str], ...]] = {
    "person": (("shape", "tall"),),
    "animal": (("shape", "not tall"),),
    "vehicle": (("shape", "not tall"),),
    "ball": (("shape", "round"),),
    **dict.fromkeys(("hand", "arm", "leg", "foot", "face", "finger"), (("colour", "brown pink orange"),)),
}
