"""A small recommender: ratings, similar items and histories."""

from tastemaker.learning.tasks.function import Film, Person, look_up, tool
from tastemaker.learning.tasks.world import World, find

look_up(
    "train",
    "films",
    "film",
    "rating",
    names="mean rating, film rating, rating of",
    doc="The mean rating of a film.",
    says=("the mean rating of {film}", "the average rating of the film {film}"),
)
look_up(
    "train",
    "films",
    "film",
    "similar",
    names="most similar, similar film, nearest film",
    doc="The film most similar to a film.",
    says=("the film most similar to {film}", "the closest film to {film}"),
)
look_up(
    "train",
    "films",
    "person",
    "last_film",
    names="last watched, latest film of, last seen by",
    doc="The film a person watched last.",
    gives="film",
    says=("the film that {person} watched last", "the last film {person} watched"),
    kin="history",
)
look_up(
    "train",
    "films",
    "film",
    "length",
    names="running time, film length, how long is",
    doc="The running time of a film in minutes.",
    gives="minutes",
    says=("the running time of {film}", "the length of the film {film}"),
)
look_up(
    "valid",
    "films",
    "film",
    "year",
    names="release year, year of film, came out in",
    doc="The year a film came out.",
    says=("the release year of {film}", "the year in which {film} came out"),
)
look_up(
    "valid",
    "films",
    "genre",
    "top",
    names="top of genre, best in genre, genre favourite",
    doc="The best film of a genre.",
    gives="film",
    says=("the top film of the genre {genre}", "the best {genre} film"),
)
look_up(
    "valid",
    "films",
    "film",
    "views",
    names="view count, times watched, number of views",
    doc="How often a film was watched.",
    says=("the number of views of {film}", "the number of times {film} was watched"),
)
look_up(
    "valid",
    "films",
    "film",
    "director",
    names="director of, who directed, film director",
    doc="Who directed a film.",
    says=("the director of {film}",),
)
look_up(
    "test",
    "films",
    "film",
    "genre",
    names="genre of, film genre, kind of film",
    doc="The genre of a film.",
    says=("the genre of {film}", "the genre of the film {film}"),
)
look_up(
    "test",
    "films",
    "person",
    "suggested",
    names="recommend for, top pick for, suggestion for",
    doc="The film recommended to a person.",
    gives="film",
    says=("the film recommended to {person}", "the top recommendation for {person}"),
)
look_up(
    "test",
    "films",
    "person",
    "seen",
    names="watch history, films seen by, history of",
    doc="The films that a person has watched.",
    gives="films",
    many=True,
    says=("the films that {person} has watched", "all films in the watch history of {person}"),
    kin="history",
)


@tool(
    "test",
    "films",
    names="predicted rating, expected rating, rating by user",
    doc="The rating predicted for a person and a film.",
    says=("the rating predicted for {person} and {film}", "the predicted rating of {film} by {person}"),
    gives="predicted",
    sort="number",
    needs=(("film", ""), ("person", ""), ("film", "rating")),
    person="user, viewer, by",
    film="film, for film, of film",
)
def predicted(world: World, person: Person, film: Film) -> float:
    find(world, "person", person)
    mean = find(world, "film", film)["rating"]
    place = [name.casefold() for name in world["person"]].index(person.strip().casefold())
    return float(max(0.5, min(5.0, mean + 0.17 * (place - 2) + 0.03)))
