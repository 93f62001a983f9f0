"""Team names, "City Nickname" in full, as schedules and odds feeds print them.

The colleges are chosen for their clashes: six Tigers, six Bulldogs, five Wildcats, two Miamis, and
nicknames of two words. Matching by a name's last word cannot tell these apart; that is why they are
here.
"""

from __future__ import annotations


def _names(lines: str) -> tuple[str, ...]:
    return tuple(name.strip() for line in lines.splitlines() for name in line.split(",") if name)


NFL = _names("""\
Arizona Cardinals, Atlanta Falcons, Baltimore Ravens, Buffalo Bills, Carolina Panthers
Chicago Bears, Cincinnati Bengals, Cleveland Browns, Dallas Cowboys, Denver Broncos
Detroit Lions, Green Bay Packers, Houston Texans, Indianapolis Colts, Jacksonville Jaguars
Kansas City Chiefs, Las Vegas Raiders, Los Angeles Chargers, Los Angeles Rams, Miami Dolphins
Minnesota Vikings, New England Patriots, New Orleans Saints, New York Giants, New York Jets
Philadelphia Eagles, Pittsburgh Steelers, San Francisco 49ers, Seattle Seahawks
Tampa Bay Buccaneers, Tennessee Titans, Washington Commanders""")

NBA = _names("""\
Atlanta Hawks, Boston Celtics, Brooklyn Nets, Charlotte Hornets, Chicago Bulls
Cleveland Cavaliers, Dallas Mavericks, Denver Nuggets, Detroit Pistons, Golden State Warriors
Houston Rockets, Indiana Pacers, Los Angeles Clippers, Los Angeles Lakers, Memphis Grizzlies
Miami Heat, Milwaukee Bucks, Minnesota Timberwolves, New Orleans Pelicans, New York Knicks
Oklahoma City Thunder, Orlando Magic, Philadelphia 76ers, Phoenix Suns, Portland Trail Blazers
Sacramento Kings, San Antonio Spurs, Toronto Raptors, Utah Jazz, Washington Wizards""")

COLLEGES = _names("""\
Auburn Tigers, Clemson Tigers, LSU Tigers, Memphis Tigers, Missouri Tigers, Towson Tigers
Georgia Bulldogs, Mississippi State Bulldogs, Fresno State Bulldogs, Louisiana Tech Bulldogs
Butler Bulldogs, Gonzaga Bulldogs, Arizona Wildcats, Kentucky Wildcats, Kansas State Wildcats
Northwestern Wildcats, Villanova Wildcats, Miami (FL) Hurricanes, Miami (OH) RedHawks
Baylor Bears, California Golden Bears, Connecticut Huskies, Washington Huskies
Michigan State Spartans, San Jose State Spartans, Pittsburgh Panthers, Georgia State Panthers
Texas Longhorns, Oklahoma Sooners, Oklahoma State Cowboys, Wyoming Cowboys, Duke Blue Devils
Arizona State Sun Devils, North Carolina Tar Heels, NC State Wolfpack, Nevada Wolf Pack
Ohio State Buckeyes, Michigan Wolverines, Penn State Nittany Lions, Notre Dame Fighting Irish
Alabama Crimson Tide, Tennessee Volunteers, Florida Gators, Florida State Seminoles
South Carolina Gamecocks, Ole Miss Rebels, UNLV Rebels, Arkansas Razorbacks, Texas A&M Aggies
Utah State Aggies, Utah Utes, BYU Cougars, Houston Cougars, Washington State Cougars
Oregon Ducks, Oregon State Beavers, UCLA Bruins, USC Trojans, Troy Trojans, Stanford Cardinal
Louisville Cardinals, Ball State Cardinals, Iowa Hawkeyes, Iowa State Cyclones""")
